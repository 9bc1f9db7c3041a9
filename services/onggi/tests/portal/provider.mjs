// An OpenID provider for the portal's flow: says where it is, is told where the portal is, then answers. Whoever signs in gives any name; the name
// is the part of the address before the @, and `stranger` belongs to another domain.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

let handle = (request, response) => response.writeHead(503).end();
const server = createServer((request, response) => handle(request, response));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
console.log(issuer);

const lines = createInterface({ input: process.stdin });
lines.once("line", (portal) => {
  const provider = new Provider(issuer, {
    clients: [{ client_id: "onggi", client_secret: "onggi-secret", redirect_uris: [`${portal}/portal/oidc/acme/callback`], token_endpoint_auth_method: "client_secret_basic" }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@${id === "stranger" ? "elsewhere.test" : "acme.test"}`, email_verified: id !== "unverified", name: id }),
    }),
    cookies: { keys: ["only for tests"] },
  });
  handle = provider.callback();
  console.log("ready");
});
lines.once("close", () => process.exit());
