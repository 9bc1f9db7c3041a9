// Runs one flow: `node run.mjs first_result`. Takes ONGGI_URL, ONGGI_DATA, BINARY and, for pictures, SCREENSHOTS.
import { Portal } from "./harness.mjs";

const [, , flow] = process.argv;
const portal = await Portal.open(flow);
try {
  const { default: walk } = await import(`./flows/${flow}.mjs`);
  await walk(portal);
  portal.verify();
  console.log("ok");
} catch (error) {
  await portal.fail(error);
  process.exitCode = 1;
} finally {
  await portal.close();
}
