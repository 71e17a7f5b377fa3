#!/bin/bash
kubectl -n {{ns}} create cronjob {{name}} --image=busybox:1.36 --schedule='{{minutes}} 3 * * *' -- sh -c 'echo {{word}}'
kubectl -n {{ns}} patch cronjob {{name}} -p '{"spec":{"concurrencyPolicy":"Forbid","successfulJobsHistoryLimit":{{keep}}}}'
kubectl -n {{ns}} create job {{name}}-now --from=cronjob/{{name}}
kubectl -n {{ns}} wait --for=condition=Complete job/{{name}}-now --timeout=60s
