#!/bin/bash
kubectl -n {{ns}} patch deployment {{app}} --type=json -p '[{"op":"add","path":"/spec/template/spec/containers/0/ports","value":[{"name":"http","containerPort":80,"protocol":"TCP"}]}]'
kubectl -n {{ns}} apply -f - <<'END'
apiVersion: v1
kind: Service
metadata: {name: {{svc}}}
spec:
  type: NodePort
  selector: {app: {{app}}}
  ports:
  - {name: http, port: {{port}}, targetPort: http, nodePort: {{nodePort}}}
END
kubectl -n {{ns}} rollout status deployment {{app}} --timeout=120s
