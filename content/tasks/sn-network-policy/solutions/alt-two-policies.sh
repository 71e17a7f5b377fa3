#!/bin/bash
cat > /tmp/np.yaml <<'END'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db-deny}
spec:
  podSelector: {matchExpressions: [{key: role, operator: In, values: [db]}]}
  policyTypes: [Ingress]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: {{policy}}}
spec:
  podSelector: {matchLabels: {role: db}}
  policyTypes: [Ingress]
  ingress:
  - ports: [{port: {{port}}}]
    from:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ns}}}}
      podSelector: {matchLabels: {role: {{client}}}}
END
kubectl -n {{ns}} create -f /tmp/np.yaml
sleep 2
