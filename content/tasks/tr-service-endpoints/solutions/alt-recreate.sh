#!/bin/bash
kubectl -n {{ns}} delete svc {{app}}
kubectl -n {{ns}} create -f - <<'END'
apiVersion: v1
kind: Service
metadata:
  name: {{app}}
spec:
  selector:
    app: {{app}}
  ports:
  - port: 80
    targetPort: http
END
kubectl -n {{ns}} get deployment {{app}} -o yaml | sed 's#path: /ready.txt#path: /#' | kubectl replace -f -
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
