#!/bin/bash
kubectl logs -n {{ns}} pod/{{app}} --container=worker > /tmp/all.log
grep -F {{word}} /tmp/all.log | tee {{folder}}/{{app}}.txt
