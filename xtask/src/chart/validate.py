"""Validates rendered charts against the schemas of the API, and prints what they hold as JSON: file name -> objects.

Arguments: versions of Kubernetes, separated by commas, then files. What is defined by a custom resource has no schema here.
"""

import json
import sys

import kubernetes_validate
import yaml

CUSTOM = {"HTTPRoute", "PodMonitor", "PrometheusRule", "CustomResourceDefinition"}

versions, files = sys.argv[1].split(","), sys.argv[2:]
wrong, rendered = [], {}
for file in files:
    with open(file, encoding="utf-8") as text:
        rendered[file] = [found for found in yaml.safe_load_all(text) if found]
    for found in rendered[file]:
        for version in versions:
            if found["kind"] in CUSTOM and found["kind"] != "CustomResourceDefinition":
                continue
            try:
                kubernetes_validate.validate(found, version, strict=found["kind"] not in CUSTOM)
            except kubernetes_validate.ValidationError as error:
                path = ".".join(str(part) for part in error.path)
                wrong.append(f"{file}: {found['kind']} {found['metadata']['name']} at {path}, Kubernetes {version}: {error.message}")
            except kubernetes_validate.SchemaNotFoundError as error:
                wrong.append(f"{file}: {error.message}")
json.dump(rendered, sys.stdout)
if wrong:
    sys.exit("\n".join(wrong))
