#!/bin/bash
kubectl -n {{ns}} create cronjob {{name}} --image=busybox:1.36 --schedule='3 {{minutes}} * * *' -- sh -c 'echo {{word}}'
kubectl -n {{ns}} create job {{name}}-now --from=cronjob/{{name}}
sleep 20
