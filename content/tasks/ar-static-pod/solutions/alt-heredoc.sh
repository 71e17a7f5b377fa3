#!/bin/bash
cat > /root/static.yaml <<'END'
apiVersion: v1
kind: Pod
metadata:
  name: {{pod}}
spec:
  containers:
  - name: main
    image: {{image}}
    resources:
      requests:
        cpu: {{cpu}}
END
scp /root/static.yaml {{node}}:/etc/kubernetes/manifests/static-web.yaml
sleep 30
