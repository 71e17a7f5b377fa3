#!/bin/bash
kubectl -n {{ns}} logs {{app}} -c worker > {{folder}}/{{app}}.txt
