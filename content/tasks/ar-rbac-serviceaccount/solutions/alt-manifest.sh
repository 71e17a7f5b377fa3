#!/bin/bash
kubectl apply -f - <<'END'
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{sa}}
  namespace: {{ns}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{role}}
  namespace: {{ns}}
rules:
- apiGroups: ["{{resource.group}}"]
  resources: ["{{resource.name}}"]
  verbs: ["list", "get", "watch"]
- apiGroups: ["{{resource.group}}"]
  resources: ["{{resource.name}}"]
  verbs: ["{{extra}}"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{role}}-binding
  namespace: {{ns}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{role}}
subjects:
- kind: ServiceAccount
  name: {{sa}}
  namespace: {{ns}}
END
