#!/bin/bash
kubectl run {{pod}} --image={{image}} --dry-run=client -o yaml > /tmp/{{pod}}.yaml
sed -i 's/resources: {}/resources: {requests: {cpu: {{cpu}}}}/' /tmp/{{pod}}.yaml
ssh {{node}} 'cat > /etc/kubernetes/manifests/{{pod}}.yaml' < /tmp/{{pod}}.yaml
sleep 30
