// Prints the functions that a kube-apiserver declares for expressions, as declarations.ts holds them.
// Run it in a module that requires k8s.io/apiserver v0.36.3 and github.com/google/cel-go v0.26.0.
package main

import (
	"fmt"
	"sort"
	"strings"

	"github.com/google/cel-go/checker"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
)

// Other names of operators, which the parser does not use.
var aliases = map[string]bool{"_in_": true, "in": true, "__not_strictly_false__": true}

func main() {
	functions := environment.MustBaseEnvSet(version.MajorMinor(1, 35)).NewExpressionsEnv().Functions()
	names := []string{}
	for name := range functions {
		if !aliases[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		for _, overload := range functions[name].OverloadDecls() {
			types := []string{}
			for _, argument := range overload.ArgTypes() {
				types = append(types, checker.FormatCELType(argument))
			}
			style := "global"
			if overload.IsMemberFunction() {
				style = "member"
			}
			arguments := ""
			if len(types) > 0 {
				arguments = " " + strings.Join(types, "; ")
			}
			fmt.Printf("%s %s %s:%s -> %s\n", name, overload.ID(), style, arguments,
				checker.FormatCELType(overload.ResultType()))
		}
	}
}
