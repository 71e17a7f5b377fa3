#!/bin/bash
kubectl -n {{ns}} logs {{app}} -c proxy | grep {{word}} > {{folder}}/{{app}}.txt
