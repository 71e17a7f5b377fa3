#!/usr/bin/env bash
# prepare.sh NAME: a cluster as upstream's test/cmd expects one; prints its kubeconfig. See README.md.
set -o errexit -o nounset -o pipefail

kubeconfig=$(npx kijabi cluster up --cluster "$1" --topology base+1cp)
on() { npx kijabi ssh --cluster "$1" controlplane "$2" >&2; }
k() { kubectl --kubeconfig "$kubeconfig" "$@" >&2; }
off=ServiceAccount,DefaultStorageClass,DefaultTolerationSeconds,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,StorageObjectInUseProtection
on "$1" "sed -i 's/--enable-admission-plugins=.*/--enable-admission-plugins=LimitRanger,ResourceQuota/; s/^    - --allow-privileged=true/&\n    - --disable-admission-plugins=$off/' /etc/kubernetes/manifests/kube-apiserver.yaml"
on "$1" 'mv /etc/kubernetes/manifests/kube-scheduler.yaml /root/'
# The API server is away for the change of its flags.
for _ in $(seq 60); do
  sleep 2
  kubectl --kubeconfig "$kubeconfig" get --raw /readyz >/dev/null 2>&1 && break
done
on "$1" 'systemctl stop kubelet'
k delete daemonsets,deployments,services --namespace kube-system --all
k delete nodes --all
k delete pods --namespace kube-system --all --force --grace-period=0
cat "$kubeconfig"
