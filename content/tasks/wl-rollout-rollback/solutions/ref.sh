#!/bin/bash
kubectl -n {{ns}} rollout undo deployment {{app}}
mkdir -p /opt/{{app}}
kubectl -n {{ns}} get deployment {{app}} -o jsonpath='{.spec.template.spec.containers[0].image}' > /opt/{{app}}/image
kubectl -n {{ns}} patch deployment {{app}} -p '{"spec":{"strategy":{"rollingUpdate":{"maxUnavailable":0,"maxSurge":1}}}}'
kubectl -n {{ns}} set image deployment {{app}} nginx={{next}}
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=180s
