#!/usr/bin/env bash
# test-cmd.sh SOURCE KUBECONFIG [FUNCTION...]: upstream's test/cmd against a cluster that may be emptied. See README.md.
set -o errexit -o nounset -o pipefail

source_tree=$1
kubeconfig=$(realpath "$2")
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
results=$here/out/upstream
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$results"

# The suite writes beside its files, and names the token of an administrator.
for part in test/cmd test/fixtures test/e2e/testing-manifests hack third_party/forked/shell2junit; do
  mkdir -p "$work/$part"
  cp -r "$source_tree/$part/." "$work/$part/"
done
chmod -R u+w "$work"
admin() { kubectl --kubeconfig "$kubeconfig" --namespace kube-system "$@"; }
admin get serviceaccount upstream >/dev/null 2>&1 || admin create serviceaccount upstream >/dev/null
admin get clusterrolebinding upstream >/dev/null 2>&1 ||
  admin create clusterrolebinding upstream --clusterrole=cluster-admin --serviceaccount=kube-system:upstream >/dev/null
token=$(admin create token upstream --duration=8h)
grep -rl admin-token "$work/test/cmd" | xargs sed -i "s|admin-token|$token|g"
server=$(admin config view --minify --output 'jsonpath={.clusters[0].cluster.server}')
export SECURE_API_PORT=${server##*:}
mkdir -p "$work/_output/bin"
for name in kubectl kubectl-convert; do ln -s "$(command -v "$name")" "$work/_output/bin/$name"; done

# What hack/make-rules/test-cmd.sh does, but for building and starting servers.
cd "$work"
export KUBE_ROOT=$work THIS_PLATFORM_BIN=$work/_output/bin KUBE_JUNIT_REPORT_DIR=$work/junit
export TERM=${TERM:-xterm} LANG=C ETCD_PORT=1
make() { :; }
source hack/lib/util.sh
source hack/lib/logging.sh
source hack/lib/test.sh
kube::etcd::start() { :; }
kube::etcd::cleanup() { :; }
kube::util::find-binary() { echo "$THIS_PLATFORM_BIN/$1"; }
source test/cmd/legacy-script.sh >"$results/setup.log" 2>&1
setup >>"$results/setup.log" 2>&1
trap 'cleanup >/dev/null 2>&1; rm -rf "$work"' EXIT
kubectl create -f - >/dev/null 2>&1 <<NODE || true
{"kind":"Node","apiVersion":"v1","metadata":{"name":"127.0.0.1","annotations":{"save-managers":"true"}},"status":{"capacity":{"memory":"1Gi"}}}
NODE

only=" $* "
eval "upstream_record_command() $(declare -f record_command | tail -n +2)"
record_command() {
  local name=$1 before=$foundError
  if [[ $only != "  " && $only != *" $name "* ]]; then return 0; fi
  upstream_record_command "$@" >"$results/$name.log" 2>&1 </dev/null || true
  # Not every assertion that fails ends its function with an error.
  if [[ $foundError == "$before" ]] && ! grep -q 'FAIL!' "$results/$name.log"; then echo "ok   $name"; else echo "FAIL $name ($results/$name.log)"; fi
}
export SUPPORTED_RESOURCES=("*")
runTests 2>&1 | grep --line-buffered -E '^(ok  |FAIL )' | tee "$results/summary.txt" || true
echo "$(grep -c '^ok' "$results/summary.txt") passed, $(grep -c '^FAIL' "$results/summary.txt") failed"
