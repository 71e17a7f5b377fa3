#!/bin/bash
sed -i 's#{{fault.bad}}#{{fault.good}}#' /etc/kubernetes/manifests/kube-scheduler.yaml
sleep 40
