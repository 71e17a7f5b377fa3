#!/bin/bash
kubectl -n {{ns}} rollout undo deployment/{{app}} --to-revision=1
kubectl -n {{ns}} rollout status deployment/{{app}} --timeout=120s
mkdir -p /opt/{{app}}
echo '{{good}}' > /opt/{{app}}/image
kubectl -n {{ns}} get deployment {{app}} -o yaml > /tmp/{{app}}.yaml
sed -i -e 's/maxSurge: .*/maxSurge: 1/' -e 's/maxUnavailable: .*/maxUnavailable: 0/' -e 's#image: {{good}}#image: {{next}}#' /tmp/{{app}}.yaml
kubectl apply -f /tmp/{{app}}.yaml
kubectl -n {{ns}} rollout status deployment/{{app}} --timeout=180s
