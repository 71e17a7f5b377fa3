#!/bin/bash
kubectl -n {{ns}} create deployment {{app}} --image=nginx:1.27 --replicas={{replicas}} --dry-run=client -o yaml | sed 's/app: {{app}}/app: {{label}}/' > /root/{{app}}.yaml
kubectl create -f /root/{{app}}.yaml
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
