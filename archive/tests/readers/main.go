// Reads manifests with the YAML readers of the Go world and compares what they see with the JSON that was written.
//
// Standard input holds one case per line: {"yaml": "...", "json": ...}. The readers are sigs.k8s.io/yaml, which is
// kubectl's and speaks YAML 1.1, and go.yaml.in/yaml/v3, which speaks 1.2 with the truth values of 1.1 for typed
// fields only. Every difference is printed; any makes the program fail.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"reflect"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

type testCase struct {
	YAML string          `json:"yaml"`
	JSON json.RawMessage `json:"json"`
}

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	decoder := json.NewDecoder(input)
	read, wrong := 0, 0
	for decoder.More() {
		var one testCase
		if err := decoder.Decode(&one); err != nil {
			fmt.Println("the input cannot be read:", err)
			os.Exit(2)
		}
		read++
		for reader, problem := range compare(one) {
			wrong++
			fmt.Printf("%s: %s\n--- as JSON\n%.400s\n--- as YAML\n%.400s\n", reader, problem, one.JSON, one.YAML)
		}
	}
	fmt.Printf("%d read, %d wrong\n", read, wrong)
	if wrong > 0 || read == 0 {
		os.Exit(1)
	}
}

// compare returns what each reader got wrong.
func compare(one testCase) map[string]string {
	problems := map[string]string{}
	want, err := number(one.JSON)
	if err != nil {
		return map[string]string{"json": err.Error()}
	}
	if converted, err := yaml.YAMLToJSONStrict([]byte(one.YAML)); err != nil {
		problems["sigs.k8s.io/yaml"] = err.Error()
	} else if got, err := number(converted); err != nil {
		problems["sigs.k8s.io/yaml"] = err.Error()
	} else if at := difference("", want, got); at != "" {
		problems["sigs.k8s.io/yaml"] = at
	}
	var got any
	if err := yamlv3.Unmarshal([]byte(one.YAML), &got); err != nil {
		problems["yaml/v3"] = err.Error()
	} else if at := difference("", want, got); at != "" {
		problems["yaml/v3"] = at
	}
	return problems
}

func number(text []byte) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	return value, err
}

// difference names the first place at which the values differ.
func difference(at string, want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok || len(got) != len(want) {
			return fmt.Sprintf("%s: %d fields expected, got %.80q", at, len(want), fmt.Sprint(got))
		}
		for name, value := range want {
			other, ok := got[name]
			if !ok {
				return fmt.Sprintf("%s: field %q is missing", at, name)
			}
			if found := difference(at+"/"+name, value, other); found != "" {
				return found
			}
		}
		return ""
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return fmt.Sprintf("%s: a list of %d expected", at, len(want))
		}
		for position, value := range want {
			if found := difference(fmt.Sprintf("%s[%d]", at, position), value, got[position]); found != "" {
				return found
			}
		}
		return ""
	case json.Number:
		if same(want, got) {
			return ""
		}
	default:
		if reflect.DeepEqual(want, got) {
			return ""
		}
	}
	return fmt.Sprintf("%s: %.80q (%T) became %.80q (%T)", at, fmt.Sprint(want), want, fmt.Sprint(got), got)
}

// same compares numbers: whole ones exactly, others as the nearest double.
func same(want json.Number, got any) bool {
	if whole, ok := new(big.Int).SetString(string(want), 10); ok && string(want) != "-0" {
		other, ok := new(big.Int).SetString(fmt.Sprint(got), 10)
		return ok && whole.Cmp(other) == 0
	}
	left, err := want.Float64()
	if err != nil {
		return false
	}
	switch got := got.(type) {
	case json.Number:
		right, err := got.Float64()
		return err == nil && (left == right || math.Abs(left-right) == 0)
	case float64:
		return left == got
	case int:
		return left == float64(got)
	}
	return false
}
