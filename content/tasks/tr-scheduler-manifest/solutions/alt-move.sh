#!/bin/bash
cd /etc/kubernetes/manifests
mv kube-scheduler.yaml /root/kube-scheduler.yaml
sed -i 's#{{fault.bad}}#{{fault.good}}#' /root/kube-scheduler.yaml
sleep 5
cp /root/kube-scheduler.yaml /etc/kubernetes/manifests/
sleep 40
