#!/bin/bash
kubectl -n {{ns}} patch deployment {{app}} -p '{"spec":{"template":{"spec":{"containers":[{"name":"web","ports":[{"name":"http","containerPort":80}]}]}}}}'
kubectl -n {{ns}} expose deployment {{app}} --name={{svc}} --type=NodePort --port={{port}} --target-port=http
kubectl -n {{ns}} patch svc {{svc}} --type=json -p '[{"op":"replace","path":"/spec/ports/0/nodePort","value":{{nodePort}}}]'
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
