#!/bin/bash
kubectl -n {{ns}} patch deployment {{app}} --type=json -p '[{"op":"replace","path":"/spec/template/spec/volumes/0","value":{"name":"data","emptyDir":{}}}]'
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=60s
