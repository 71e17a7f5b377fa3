#!/bin/bash
kubectl -n {{ns}} logs {{app}} -c worker | grep {{word}} > {{folder}}/{{app}}.txt
