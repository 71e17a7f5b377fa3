#!/bin/bash
sed -i -e 's/^appVersion:/apiVersion:/' /root/{{app}}.yaml
kubectl apply -f /root/{{app}}.yaml
