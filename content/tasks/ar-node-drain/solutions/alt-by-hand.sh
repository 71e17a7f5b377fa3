#!/bin/bash
kubectl patch node {{nodes.back}} -p '{"spec":{"unschedulable":false}}'
kubectl cordon {{nodes.out}}
kubectl -n {{ns}} delete pods -l app={{app}} --field-selector spec.nodeName={{nodes.out}}
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
