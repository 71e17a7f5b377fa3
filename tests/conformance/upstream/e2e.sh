#!/usr/bin/env bash
# e2e.sh E2E_TEST FOCUS [SKIP]: specs of upstream's end-to-end suite against $KUBECONFIG. See README.md.
set -o errexit -o nounset -o pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
out=$here/out/upstream
mkdir -p "$out"
"$1" --kubeconfig "$KUBECONFIG" --provider=skeleton --kubectl-path="$(command -v kubectl)" \
  --ginkgo.focus "$2" ${3:+--ginkgo.skip "$3"} --ginkgo.timeout=4h --ginkgo.no-color --ginkgo.v --ginkgo.silence-skips \
  --ginkgo.json-report="$out/e2e.json" --allowed-not-ready-nodes=1 >"$out/e2e.log" 2>&1 || true
jq -r '.[0].SpecReports[] | select(.LeafNodeType == "It" and .State != "skipped")
  | "\(.State)\t\((.ContainerHierarchyTexts // []) + [.LeafNodeText] | join(" "))\(if .State == "passed" then "" else "\n\t\(.Failure.Message)" end)"' "$out/e2e.json"
