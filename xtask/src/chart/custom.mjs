// Validates objects that custom resources define: a JSON array on standard input.
import { readFileSync } from "node:fs";
import { HTTPRoute } from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";
import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";

const kinds = { HTTPRoute, PodMonitor, PrometheusRule };
const objects = JSON.parse(readFileSync(0, "utf8"));
for (const object of objects) {
  if (kinds[object.kind]) new kinds[object.kind](object).validate();
}
console.log(objects.filter((object) => kinds[object.kind]).length);
