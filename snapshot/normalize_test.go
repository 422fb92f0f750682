package snapshot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// Hashes as the CDK makes them.
var (
	hashA = strings.Repeat("0a", 32)
	hashB = strings.Repeat("1b", 32)
)

// compact renders v on one line, with sorted keys.
func compact(t testing.TB, v any) string {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(buf.String())
}

func TestNormalizeDrops(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{
			"metadata resource and its condition",
			`{"Resources": {"CDKMetadata": {"Type": "AWS::CDK::Metadata"}, "Q": {"Type": "AWS::SQS::Queue"}},
			  "Conditions": {"CDKMetadataAvailable": {"Fn::Equals": ["a", "b"]}, "Mine": {"Fn::Equals": ["a", "b"]}}}`,
			`{"Conditions":{"Mine":{"Fn::Equals":["a","b"]}},"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}`,
		},
		{
			"bootstrap check",
			`{"Parameters": {"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>"}, "Mine": {"Type": "String"}},
			  "Rules": {"CheckBootstrapVersion": {"Assertions": []}, "Mine": {"Assertions": []}}}`,
			`{"Parameters":{"Mine":{"Type":"String"}},"Rules":{"Mine":{"Assertions":[]}}}`,
		},
		{
			"sections that become empty, other than the resources",
			`{"Resources": {"CDKMetadata": {"Type": "AWS::CDK::Metadata"}},
			  "Conditions": {"CDKMetadataAvailable": {}},
			  "Parameters": {"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>"}},
			  "Rules": {"CheckBootstrapVersion": {}}}`,
			`{"Resources":{}}`,
		},
		{
			"not what the app defines under these names",
			`{"Resources": {"CDKMetadata": {"Type": "AWS::SQS::Queue"}}, "Parameters": {"BootstrapVersion": {"Type": "String"}}, "Rules": {}}`,
			`{"Parameters":{"BootstrapVersion":{"Type":"String"}},"Resources":{"CDKMetadata":{"Type":"AWS::SQS::Queue"}},"Rules":{}}`,
		},
		{
			"metadata keys of resources",
			`{"Resources": {
				"A": {"Metadata": {"aws:cdk:path": "a", "aws:asset:path": "b", "aws:asset:property": "c", "aws:asset:is-bundled": false}},
				"B": {"Metadata": {"aws:cdk:path": "a", "mine": 1}},
				"C": {"Metadata": {}},
				"D": {"Properties": {"Metadata": {"aws:cdk:path": "a"}}}}}`,
			`{"Resources":{"A":{},"B":{"Metadata":{"mine":1}},"C":{"Metadata":{}},"D":{"Properties":{"Metadata":{"aws:cdk:path":"a"}}}}}`,
		},
		{
			"asset keys of functions",
			`{"Resources": {
				"Asset":  {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Bucket": "b", "S3Key": "` + hashA + `.zip"}}},
				"Prefix": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Bucket": "b", "S3Key": "p/` + hashA + `.zip"}}},
				"Manual": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Bucket": "b", "S3Key": "releases/v1.zip"}}},
				"Layer":  {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": {"S3Key": "` + hashA + `.zip"}}}}}`,
			`{"Resources":{` +
				`"Asset":{"Properties":{"Code":{"S3Bucket":"b"}},"Type":"AWS::Lambda::Function"},` +
				`"Layer":{"Properties":{"Content":{"S3Key":"ASSET-HASH-1.zip"}},"Type":"AWS::Lambda::LayerVersion"},` +
				`"Manual":{"Properties":{"Code":{"S3Bucket":"b","S3Key":"releases/v1.zip"}},"Type":"AWS::Lambda::Function"},` +
				`"Prefix":{"Properties":{"Code":{"S3Bucket":"b"}},"Type":"AWS::Lambda::Function"}}}`,
		},
		{
			"nothing from values of unexpected types",
			`{"Resources": {"A": 1, "B": {"Metadata": "m", "Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": {"Ref": "K"}}}}}, "Rules": []}`,
			`{"Resources":{"A":1,"B":{"Metadata":"m","Properties":{"Code":{"S3Key":{"Ref":"K"}}},"Type":"AWS::Lambda::Function"}},"Rules":[]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkNormalized(t, tt.in, tt.want)
		})
	}
}

// checkNormalized checks that the template in becomes want, and that want stays
// what it is.
func checkNormalized(t *testing.T, in, want string, opts ...Option) {
	t.Helper()
	got, err := Normalize(parseTemplate(t, in), opts...)
	if err != nil {
		t.Fatal(err)
	}
	if s := compact(t, got); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	again, err := Normalize(got, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, got) {
		t.Errorf("normalised twice\n%s\nnormalised once\n%s", compact(t, again), compact(t, got))
	}
}

func TestNormalizeHashes(t *testing.T) {
	tests := []struct {
		in, want string
	}{
		{"A", "ASSET-HASH-1"},
		{"A.zip", "ASSET-HASH-1.zip"},
		{"s3://assets/prefix/A.json", "s3://assets/prefix/ASSET-HASH-1.json"},
		{"repo:A", "repo:ASSET-HASH-1"},
		{"repo:web-A", "repo:web-ASSET-HASH-1"},
		{"../asset.A", "../asset.ASSET-HASH-1"},
		{"publish 'A:current_account-current_region'", "publish 'ASSET-HASH-1:current_account-current_region'"},
		{"publish 'A:111111111111-eu-west-1-0bd05d43' now", "publish 'ASSET-HASH-1:111111111111-eu-west-1-DESTINATION-HASH' now"},
		{"publish 'A:111111111111-eu-west-1-0bd05d43f'", "publish 'ASSET-HASH-1:111111111111-eu-west-1-0bd05d43f'"},
		{"A.zip B.zip A.zip", "ASSET-HASH-1.zip ASSET-HASH-2.zip ASSET-HASH-1.zip"},

		// What somebody pinned, and what only looks like a hash.
		{"repo@sha256:A", "repo@sha256:A"},
		{"echo A  file | sha256sum -c", "echo A  file | sha256sum -c"},
		{"sha256: A", "sha256: A"},
		{"A.", "A."},
		{"0A.zip", "0A.zip"},
		{"A0", "A0"},
		{"xA.zip", "xA.zip"},
		{"repo:AB", "repo:AB"},
	}
	expand := strings.NewReplacer("A", hashA, "B", hashB)
	for _, tt := range tests {
		in := expand.Replace(tt.in)
		want := tt.want
		if !strings.Contains(want, "HASH") {
			want = expand.Replace(want)
		}
		got, err := Normalize(Template{"v": in})
		if err != nil {
			t.Fatal(err)
		}
		if got["v"] != want {
			t.Errorf("%s:\n got %s\nwant %s", tt.in, got["v"], want)
		}
	}
}

func TestNormalizePartsOfStrings(t *testing.T) {
	// A hash is alone only if it is the whole string.
	checkNormalized(t,
		`{"v": ["`+hashA+`", "x\n`+hashA+`", {"Fn::Join": ["", ["`+hashA+`", {"Ref": "A"}]]}, {"Fn::Join": ["", [{"Ref": "A"}, ":`+hashA+`"]]}]}`,
		`{"v":["ASSET-HASH-1",{"Fn::Lines":["x","`+hashA+`"]},{"Fn::Join":["",["`+hashA+`",{"Ref":"A"}]]},{"Fn::Join":["",[{"Ref":"A"},":ASSET-HASH-1"]]}]}`)
}

func TestNormalizeNumbersHashesInOrder(t *testing.T) {
	// The keys decide which hash comes first, also where one is in an embedded
	// document; keys themselves stay.
	checkNormalized(t,
		`{"b": ["`+hashA+`.zip", "`+hashB+`.zip"], "a": "{\"x\": \"r:`+hashB+`\"}", "`+hashA+`.zip": 1}`,
		`{"`+hashA+`.zip":1,"a":{"Fn::ParsedJson":{"x":"r:ASSET-HASH-1"}},"b":["ASSET-HASH-2.zip","ASSET-HASH-1.zip"]}`)
}

func TestNormalizeEmbeddedDocuments(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"plain string", `"text"`, `"text"`},
		{"JSON object", `"{\"b\": [1.50, true, null], \"a\": {}}"`, `{"Fn::ParsedJson":{"a":{},"b":[1.50,true,null]}}`},
		{"JSON array", `" [\"x\"]\n"`, `{"Fn::ParsedJson":["x"]}`},
		{"JSON scalars", `["1", "true", "null", "\"x\""]`, `["1","true","null","\"x\""]`},
		{"JSON followed by text", `"{} x"`, `"{} x"`},
		{"two JSON documents", `"{}{}"`, `"{}{}"`},
		{"JSON cut short", `"{\"a\": [1"`, `"{\"a\": [1"`},
		{"JSON in JSON", `"{\"a\": \"[1]\"}"`, `{"Fn::ParsedJson":{"a":{"Fn::ParsedJson":[1]}}}`},
		{"JSON with a repeated key", `"{\"a\": 1, \"a\": 2}"`, `"{\"a\": 1, \"a\": 2}"`},
		{"JSON with a marker", `"{\"Fn::Lines\": [\"a\", \"b\"]}"`, `"{\"Fn::Lines\": [\"a\", \"b\"]}"`},
		{"JSON with broken characters", `"{\"a\": \"\\ud800\"}"`, `"{\"a\": \"\\ud800\"}"`},
		{"lines in JSON", `"{\"a\": \"x\\ny\"}"`, `{"Fn::ParsedJson":{"a":{"Fn::Lines":["x","y"]}}}`},
		{"an intrinsic function in JSON is not one", `"{\"Fn::Join\": [\"\", [\"a\\n\", \"b\"]]}"`,
			`{"Fn::ParsedJson":{"Fn::Join":["",[{"Fn::Lines":["a",""]},"b"]]}}`},

		{"lines", `"a\n\n  b\n"`, `{"Fn::Lines":["a","","  b",""]}`},
		{"lines that look like JSON", `"x\n{}\n[1]"`, `{"Fn::Lines":["x","{}","[1]"]}`},
		{"lines that end in carriage returns", `"a\r\nb"`, `{"Fn::Lines":["a\r","b"]}`},
		{"lines of broken JSON", `"{\n \"a\": \n}"`, `{"Fn::Lines":["{"," \"a\": ","}"]}`},
		{"lines in intrinsic functions", `{"Fn::Base64": {"Fn::Sub": "a ${B}\nc"}}`, `{"Fn::Base64":{"Fn::Sub":{"Fn::Lines":["a ${B}","c"]}}}`},

		{"join of a line", `{"Fn::Join": ["", ["[]", {"Ref": "A"}, "{}"]]}`, `{"Fn::Join":["",["[]",{"Ref":"A"},"{}"]]}`},
		{"join of lines", `{"Fn::Join": ["", ["a ", {"Ref": "A"}, "\nb\n", {"Ref": "B"}]]}`,
			`{"Fn::Lines":[["a ",{"Ref":"A"}],"b",[{"Ref":"B"}]]}`},
		{"join by newlines", `{"Fn::Join": ["\n", ["a", {"Ref": "A"}, "", "b"]]}`,
			`{"Fn::Lines":["a",[{"Ref":"A"}],"","b"]}`},
		{"join in a join", `{"Fn::Join": ["-", ["a", {"Fn::Join": ["", ["x\ny"]]}]]}`,
			`{"Fn::Join":["-",["a",{"Fn::Lines":["x","y"]}]]}`},
		{"join of nothing", `{"Fn::Join": ["", []]}`, `{"Fn::Join":["",[]]}`},
		{"join of a list that is not known", `{"Fn::Join": ["\n", {"Ref": "List"}]}`, `{"Fn::Join":["\n",{"Ref":"List"}]}`},

		{"join of JSON", `{"Fn::Join": ["", ["{\"a\": \"", {"Ref": "A"}, "\", \"b\": \"x", {"Ref": "B"}, "y\\\"z\", \"c\": ", {"Ref": "C"}, "}"]]}`,
			`{"Fn::ParsedJson":{"a":{"Fn::JsonString":[{"Ref":"A"}]},"b":{"Fn::JsonString":["x",{"Ref":"B"},"y\"z"]},"c":{"Fn::JsonValue":{"Ref":"C"}}}}`},
		{"join of JSON with literal references", `{"Fn::Join": ["", ["[{\"Ref\": \"A\"}, ", {"Ref": "A"}, "]"]]}`,
			`{"Fn::ParsedJson":[{"Ref":"A"},{"Fn::JsonValue":{"Ref":"A"}}]}`},
		{"join of JSON with documents in references", `{"Fn::Join": ["", ["[", {"Fn::Sub": "x\ny"}, ", \"", {"Fn::Sub": "x\ny"}, "\"]"]]}`,
			`{"Fn::ParsedJson":[{"Fn::JsonValue":{"Fn::Sub":{"Fn::Lines":["x","y"]}}},{"Fn::JsonString":[{"Fn::Sub":{"Fn::Lines":["x","y"]}}]}]}`},
		{"join of JSON with lines", `{"Fn::Join": ["", ["[\"a ", {"Ref": "A"}, "\\nb\"]"]]}`,
			`{"Fn::ParsedJson":[{"Fn::Lines":[["a ",{"Ref":"A"}],"b"]}]}`},
		{"join of JSON in JSON", `{"Fn::Join": ["", ["[\"[\\\"", {"Ref": "A"}, "\\\"]\"]"]]}`,
			`{"Fn::ParsedJson":[{"Fn::ParsedJson":[{"Fn::JsonString":[{"Ref":"A"}]}]}]}`},
		{"join of JSON with two references in a row", `{"Fn::Join": ["", ["[\"", {"Ref": "A"}, {"Ref": "B"}, "\"]"]]}`,
			`{"Fn::ParsedJson":[{"Fn::JsonString":[{"Ref":"A"},{"Ref":"B"}]}]}`},
		{"join of JSON with a reference in a key", `{"Fn::Join": ["", ["{\"", {"Ref": "A"}, "\": 1}"]]}`,
			`{"Fn::Join":["",["{\"",{"Ref":"A"},"\": 1}"]]}`},
		{"join of JSON with a reference in an escape", `{"Fn::Join": ["", ["[\"\\", {"Ref": "A"}, "\"]"]]}`,
			`{"Fn::Join":["",["[\"\\",{"Ref":"A"},"\"]"]]}`},
		{"join of JSON with an extra reference", `{"Fn::Join": ["", ["[]", {"Ref": "A"}]]}`,
			`{"Fn::Join":["",["[]",{"Ref":"A"}]]}`},
		{"join of JSON with what stands for references", `{"Fn::Join": ["", ["[\"\\uE0000\\uE002\", \"", {"Ref": "A"}, "\"]"]]}`,
			`{"Fn::Join":["",["[\"\\uE0000\\uE002\", \"",{"Ref":"A"},"\"]"]]}`},
		{"references in references", `{"Fn::Join": ["", ["a\n", {"Fn::ImportValue": {"Fn::Sub": "x\ny"}}]]}`,
			`{"Fn::Lines":["a",[{"Fn::ImportValue":{"Fn::Sub":{"Fn::Lines":["x","y"]}}}]]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkNormalized(t, `{"v": `+tt.in+`}`, `{"v":`+tt.want+`}`)
		})
	}
}

func TestNormalizeNumbers(t *testing.T) {
	// Numbers of Go types and of documents come out in one form.
	got, err := Normalize(Template{"a": 12, "b": 12.0, "c": json.Number("12"), "d": 123456789012, "e": "[1.0, 12345678901234567890]"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"a":12,"b":12,"c":12,"d":123456789012,"e":{"Fn::ParsedJson":[1.0,12345678901234567890]}}`
	if s := compact(t, got); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	if _, ok := got["b"].(json.Number); !ok {
		t.Errorf("got a %T, want a json.Number", got["b"])
	}
}

func TestNormalizeLeavesItsInput(t *testing.T) {
	read := func() Template {
		tmpl, err := readTemplate(filepath.Join("testdata", "assembly", "Shop.template.json"))
		if err != nil {
			t.Fatal(err)
		}
		return tmpl
	}
	tmpl := read()
	got, err := Normalize(tmpl, Replace(regexp.MustCompile("Api"), "X"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(tmpl, read()) {
		t.Error("the template has changed")
	}
	if reflect.DeepEqual(map[string]any(got), map[string]any(tmpl)) {
		t.Error("nothing was normalised")
	}
}

func TestReplace(t *testing.T) {
	version := Replace(regexp.MustCompile(`(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}`), "$1")
	md5 := strings.Repeat("9f", 16)
	checkNormalized(t,
		`{"Resources": {"FnCurrentVersion0123ABCD`+md5+`": {"Type": "AWS::Lambda::Version"}},
		  "Outputs": {"V": {"Value": {"Fn::GetAtt": ["FnCurrentVersion0123ABCD`+md5+`", "Version"]}}}}`,
		`{"Outputs":{"V":{"Value":{"Fn::GetAtt":["FnCurrentVersion0123ABCD","Version"]}}},`+
			`"Resources":{"FnCurrentVersion0123ABCD":{"Type":"AWS::Lambda::Version"}}}`,
		version)

	// In order, and before embedded documents are taken apart.
	checkNormalized(t, `{"v": ["abc", "{\"k\": abc}"]}`, `{"v":["3",{"Fn::ParsedJson":{"k":3}}]}`,
		Replace(regexp.MustCompile("abc"), "2"), Replace(regexp.MustCompile("2"), "3"))

	_, err := Normalize(Template{"v1": 1, "v2": 2}, Replace(regexp.MustCompile(`\d`), ""))
	if err == nil || !strings.Contains(err.Error(), `two keys equal: "v"`) {
		t.Errorf("got error %v, want one about equal keys", err)
	}
}

func TestNormalizeErrors(t *testing.T) {
	if _, err := Normalize(nil); err == nil {
		t.Error("no error for nil")
	}
	if _, err := Render(nil); err == nil {
		t.Error("Render: no error for nil")
	}
	if _, err := Normalize(Template{"v": make(chan int)}); err == nil {
		t.Error("no error for what is not JSON")
	}
}

func TestRender(t *testing.T) {
	got, err := Render(Template{"b": "a < b && c > d", "a": []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n \"a\": [\n  1\n ],\n \"b\": \"a < b && c > d\"\n}\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// An app whose assets have changed renders as it did before.
func TestRenderIsStableUnderNewHashes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	fresh := func(string) string {
		var b strings.Builder
		for range 64 {
			b.WriteByte("0123456789abcdef"[rng.IntN(16)])
		}
		return b.String()
	}
	const digest = "3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d"
	file := filepath.Join("testdata", "assembly", "Shop.template.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	render := func(data string) string {
		got, err := Render(parseTemplate(t, data))
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	want := render(string(data))

	for range 20 {
		next := make(map[string]string)
		changed := assetHash.ReplaceAllStringFunc(string(data), func(hash string) string {
			if hash == digest {
				return hash
			}
			if next[hash] == "" {
				next[hash] = fresh(hash)
			}
			return next[hash]
		})
		if len(next) < 3 || changed == string(data) {
			t.Fatalf("%s has %d hashes, want at least 3", file, len(next))
		}
		if got := render(changed); got != want {
			t.Fatalf("with new hashes:\n%s", unifiedDiff(want, got, maxDiffLines))
		}
	}

	// A digest that was pinned is no asset.
	if got := render(strings.ReplaceAll(string(data), digest, fresh(""))); got == want {
		t.Error("a new digest of an image does not show")
	}
}

// Two properties of any template: normalising it again changes nothing, and the
// strings that were taken apart can be put together again.
func TestNormalizeProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	kinds := make(map[string]int)
	for range 10000 {
		checkProperties(t, Template{"v": randomValue(rng, 3)}, kinds)
		if t.Failed() {
			return
		}
	}
	// The values must be such that the properties are put to the test.
	for _, kind := range []string{markJSON, markLines, markJSONString, markJSONValue} {
		if kinds[kind] < 20 {
			t.Errorf("%s occurs only %d times", kind, kinds[kind])
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{
		`"{\"a\": \"x\\ny\"}"`,
		`{"Fn::Join": ["", ["[\"", {"Ref": "A"}, "\", ", {"Ref": "B"}, "]"]]}`,
		`{"Fn::Join": ["\n", ["a", {"Fn::Sub": "b"}, "c"]]}`,
		`"` + hashA + `.zip"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if json.Unmarshal(data, &v) != nil || bytes.Contains(data, []byte("Fn::Parsed")) ||
			bytes.Contains(data, []byte("Fn::Lines")) || bytes.Contains(data, []byte("Fn::Json")) || bytes.Contains(data, []byte(`\u`)) {
			// Templates have no markers of their own; see isMarked.
			t.Skip()
		}
		checkProperties(t, Template{"v": v}, make(map[string]int))
	})
}

func checkProperties(t *testing.T, tmpl Template, kinds map[string]int) {
	t.Helper()
	once, err := Normalize(tmpl)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := Normalize(once)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(once, twice) {
		t.Errorf("%s\nnormalised once\n%s\nnormalised twice\n%s", compact(t, tmpl), compact(t, once), compact(t, twice))
	}

	// Hashes are gone for good, so this is about a template without them.
	plain, err := newConfig([]Option{Replace(assetHash, "HASH")}).replace(copyOf(t, tmpl))
	if err != nil {
		return // Two keys differ in nothing but a hash.
	}
	tmpl = plain.(map[string]any)
	if once, err = Normalize(tmpl); err != nil {
		t.Fatal(err)
	}
	want := canonical(copyOf(t, tmpl))
	got := canonical(collapse(copyOf(t, once), kinds))
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%s\nshown as\n%s\nput together again\n%s\nwant\n%s", compact(t, tmpl), compact(t, once), compact(t, got), compact(t, want))
	}
}

func copyOf(t *testing.T, v any) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(compact(t, v)))
	dec.UseNumber()
	var c any
	if err := dec.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

// collapse replaces what is under a marker by the string that it shows: an
// Fn::Join without a delimiter. It is the reverse of expand, written without
// regard to how that works.
func collapse(v any, kinds map[string]int) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = collapse(v[i], kinds)
		}
	case map[string]any:
		if doc, ok := v[markJSON]; ok && len(v) == 1 {
			kinds[markJSON]++
			return joined(jsonParts(doc, kinds))
		}
		if lines, ok := v[markLines].([]any); ok && len(v) == 1 {
			kinds[markLines]++
			return joined(lineParts(lines, kinds))
		}
		for key := range v {
			v[key] = collapse(v[key], kinds)
		}
	}
	return v
}

func joined(parts []any) any {
	return map[string]any{"Fn::Join": []any{"", parts}}
}

func lineParts(lines []any, kinds map[string]int) []any {
	var parts []any
	for i, line := range lines {
		if i > 0 {
			parts = append(parts, "\n")
		}
		if list, ok := line.([]any); ok {
			for _, p := range list {
				parts = append(parts, collapse(p, kinds))
			}
		} else {
			parts = append(parts, line)
		}
	}
	return parts
}

// jsonParts returns the text of a document shown under the marker for JSON.
func jsonParts(v any, kinds map[string]int) []any {
	// quote puts the parts of a string between quotes.
	quote := func(parts []any) []any {
		quoted := []any{`"`}
		for _, p := range parts {
			if s, ok := p.(string); ok {
				data, _ := json.Marshal(s)
				p = string(data[1 : len(data)-1])
			}
			quoted = append(quoted, p)
		}
		return append(quoted, `"`)
	}
	switch v := v.(type) {
	case []any:
		parts := []any{"["}
		for i, e := range v {
			if i > 0 {
				parts = append(parts, ",")
			}
			parts = append(parts, jsonParts(e, kinds)...)
		}
		return append(parts, "]")
	case map[string]any:
		if len(v) == 1 {
			if doc, ok := v[markJSON]; ok {
				kinds[markJSON]++
				return quote(jsonParts(doc, kinds))
			}
			if lines, ok := v[markLines]; ok {
				kinds[markLines]++
				return quote(lineParts(lines.([]any), kinds))
			}
			if value, ok := v[markJSONValue]; ok {
				kinds[markJSONValue]++
				return []any{collapse(value, kinds)}
			}
			if list, ok := v[markJSONString]; ok {
				kinds[markJSONString]++
				return quote(collapse(list, kinds).([]any))
			}
		}
		parts := []any{"{"}
		for i, key := range sortedKeys(v) {
			if i > 0 {
				parts = append(parts, ",")
			}
			name, _ := json.Marshal(key)
			parts = append(parts, string(name)+":")
			parts = append(parts, jsonParts(v[key], kinds)...)
		}
		return append(parts, "}")
	default:
		data, _ := json.Marshal(v)
		return []any{string(data)}
	}
}

// canonical brings a template into a form in which strings that mean the same
// are equal: joins are evaluated as far as they can be, and documents rewritten
// with sorted keys and without spacing.
func canonical(v any) any {
	switch v := v.(type) {
	case string:
		return canonicalText([]any{v})
	case []any:
		for i := range v {
			v[i] = canonical(v[i])
		}
	case map[string]any:
		if args, ok := v["Fn::Join"].([]any); ok && len(v) == 1 && len(args) == 2 {
			delimiter, isText := args[0].(string)
			list, isList := args[1].([]any)
			if isText && isList {
				var parts []any
				for i, p := range list {
					if i > 0 {
						parts = append(parts, delimiter)
					}
					if _, ok := p.(string); !ok {
						p = canonical(p)
					}
					parts = append(parts, p)
				}
				return canonicalText(parts)
			}
		}
		for key := range v {
			v[key] = canonical(v[key])
		}
	}
	return v
}

// canonicalText merges the literal parts of a string, with each reference
// written as itself between two characters that occur nowhere else, and rewrites
// it if it is JSON.
func canonicalText(parts []any) any {
	var b strings.Builder
	for _, p := range parts {
		if s, ok := p.(string); ok {
			b.WriteString(s)
			continue
		}
		// Encoded, so that it changes nothing about the text around it.
		data, _ := json.Marshal(p)
		fmt.Fprintf(&b, "\uE010%x\uE011", data)
	}
	return canonicalJSON(b.String())
}

func canonicalJSON(s string) string {
	if !startsJSON(s) {
		return s
	}
	// References in place of values become strings, in which the marks around
	// them are doubled to tell them from those within a string.
	var b strings.Builder
	inString, escaped := false, false
	for i := 0; i < len(s); i++ {
		if !inString && strings.HasPrefix(s[i:], "\uE010") {
			ref, _, _ := strings.Cut(s[i:], "\uE011")
			ref += "\uE011"
			b.WriteString("\"\uE010" + ref + "\uE011\"")
			i += len(ref) - 1
			continue
		}
		switch {
		case escaped:
			escaped = false
		case s[i] == '\\':
			escaped = inString
		case s[i] == '"':
			inString = !inString
		}
		b.WriteByte(s[i])
	}
	dec := json.NewDecoder(strings.NewReader(b.String()))
	dec.UseNumber()
	v, ok := decodeStrict(dec)
	if !ok || dec.More() {
		return s
	}
	data, _ := json.Marshal(canonicalStrings(v))
	return string(data)
}

func canonicalStrings(v any) any {
	switch v := v.(type) {
	case string:
		return canonicalJSON(v)
	case []any:
		for i := range v {
			v[i] = canonicalStrings(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = canonicalStrings(v[key])
		}
	}
	return v
}

// randomValue returns a value such as a template has them, with strings that are
// documents and others that almost are.
func randomValue(rng *rand.Rand, depth int) any {
	n := 7
	if depth == 0 {
		n = 3
	}
	switch rng.IntN(n) {
	case 0:
		return float64(rng.IntN(10))
	case 1, 2:
		return randomText(rng)
	case 3:
		list := make([]any, rng.IntN(3))
		for i := range list {
			list[i] = randomValue(rng, depth-1)
		}
		return list
	case 4:
		m := make(map[string]any)
		for range rng.IntN(3) {
			m[[]string{"a", "b", "Ref", "Fn::Sub", "Fn::Join"}[rng.IntN(5)]] = randomValue(rng, depth-1)
		}
		return m
	default:
		// A document with some of its pieces replaced by references.
		var parts []any
		for _, s := range strings.SplitAfter(randomText(rng), "~") {
			parts = append(parts, strings.TrimSuffix(s, "~"))
			if strings.HasSuffix(s, "~") {
				parts = append(parts, map[string]any{"Ref": randomValue(rng, 0)})
			}
		}
		return map[string]any{"Fn::Join": []any{[]string{"", "", "\n", ","}[rng.IntN(4)], parts}}
	}
}

func randomText(rng *rand.Rand) string {
	if rng.IntN(3) == 0 {
		data, _ := json.Marshal(randomDocument(rng, 3))
		// "@" is a value without quotes, for a reference.
		s := strings.ReplaceAll(string(data), `"@"`, "~")
		if rng.IntN(8) == 0 {
			s = s[:rng.IntN(len(s)+1)]
		}
		return s
	}
	pieces := []string{"a", "~", "\n", " ", `"`, `\`, "{", "}", "[", "]", ":", ",", "1", "{}", `"a"`, hashA + ".zip", hashB}
	var b strings.Builder
	for range rng.IntN(6) {
		b.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return b.String()
}

func randomDocument(rng *rand.Rand, depth int) any {
	n := 6
	if depth == 0 {
		n = 4
	}
	switch rng.IntN(n) {
	case 0:
		return []any{true, nil, 1.5, "@", "@", "@"}[rng.IntN(6)]
	case 1, 2:
		return []string{"", "a", "x~y", "~", "line\nline", "~\n~", "{", hashA + ".zip", "<&>", `\"`, "[\"~\"]"}[rng.IntN(11)]
	case 3:
		data, _ := json.Marshal([]any{"a\n~", "~"})
		return string(data)
	case 4:
		list := make([]any, rng.IntN(4))
		for i := range list {
			list[i] = randomDocument(rng, depth-1)
		}
		return list
	default:
		m := make(map[string]any)
		for range rng.IntN(3) {
			m[[]string{"a", "b", "Ref", "Fn::Join"}[rng.IntN(4)]] = randomDocument(rng, depth-1)
		}
		return m
	}
}
