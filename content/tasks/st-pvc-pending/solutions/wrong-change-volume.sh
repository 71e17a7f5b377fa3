#!/bin/bash
kubectl patch pv {{pv}} -p '{"spec":{"capacity":{"storage":"10Gi"},"accessModes":["ReadWriteOnce","ReadWriteMany"],"storageClassName":"{{fault.class}}"}}'
sleep 30
