#!/bin/bash
kubectl -n {{ns}} patch svc {{app}} -p '{"spec":{"selector":{"tier":"web"},"ports":[{"port":80,"targetPort":80}]}}'
kubectl -n {{ns}} patch deployment {{app}} -p '{"spec":{"template":{"spec":{"containers":[{"name":"web","readinessProbe":{"httpGet":{"path":"/"}}}]}}}}'
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
