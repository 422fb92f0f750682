package spec

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample has a field of each kind that the decoder knows.
type sample struct {
	Text     string            `yaml:"text"`
	Kind     Approval          `yaml:"kind"`
	Number   int               `yaml:"number"`
	Pointer  *int              `yaml:"pointer"`
	Size     float64           `yaml:"size"`
	Flag     bool              `yaml:"flag"`
	Choice   *bool             `yaml:"choice"`
	Time     Duration          `yaml:"time"`
	Delay    *Duration         `yaml:"delay"`
	Texts    []string          `yaml:"texts"`
	Maybe    *[]string         `yaml:"maybe"`
	Map      map[string]string `yaml:"map"`
	Inner    HostedZone        `yaml:"inner"`
	Optional *HostedZone       `yaml:"optional"`
	List     []HostedZone      `yaml:"list"`
}

func decodeSample(text string) (sample, *decoder) {
	var into sample
	_, d := decode("x.yaml", []byte("name: x\n"), environment)
	root := d.parse([]byte(text))
	if root != nil {
		d.origin.positions[""] = start(root)
		d.value(root, reflect.ValueOf(&into).Elem(), report{to: &d.findings})
	}
	return into, d
}

func TestDecode(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want sample
	}{
		"plain text":       {"text: a b", sample{Text: "a b"}},
		"quoted text":      {`text: "a\tb"`, sample{Text: "a\tb"}},
		"block text":       {"text: |\n  a\n  b\n", sample{Text: "a\nb\n"}},
		"folded text":      {"text: >-\n  a\n  b\n", sample{Text: "a b"}},
		"number as text":   {"text: 1.10", sample{Text: "1.10"}},
		"zeros as text":    {"text: 007", sample{Text: "007"}},
		"octal as text":    {"text: 0o17", sample{Text: "0o17"}},
		"boolean as text":  {"text: True", sample{Text: "True"}},
		"date as text":     {"text: 2026-11-01", sample{Text: "2026-11-01"}},
		"tagged text":      {"text: !!str 12", sample{Text: "12"}},
		"text of a type":   {"kind: manual", sample{Kind: Manual}},
		"number":           {"number: 8000", sample{Number: 8000}},
		"negative":         {"number: -1", sample{Number: -1}},
		"zero":             {"pointer: 0", sample{Pointer: new(0)}},
		"fraction":         {"size: 0.5", sample{Size: 0.5}},
		"whole fraction":   {"size: 118", sample{Size: 118}},
		"boolean":          {"flag: True\nchoice: false", sample{Flag: true, Choice: new(false)}},
		"duration":         {"time: 1h30m", sample{Time: Duration(90 * time.Minute)}},
		"zero duration":    {"delay: 0s", sample{Delay: new(Duration(0))}},
		"list":             {"texts: [a, 1, true]", sample{Texts: []string{"a", "1", "true"}}},
		"list of lines":    {"texts:\n- a\n- b\n", sample{Texts: []string{"a", "b"}}},
		"empty list":       {"maybe: []", sample{Maybe: &[]string{}}},
		"map":              {"map: {a: 1, b: x, c: \"\"}", sample{Map: map[string]string{"a": "1", "b": "x", "c": ""}}},
		"struct":           {"inner: {id: Z1}", sample{Inner: HostedZone{ID: "Z1"}}},
		"pointer":          {"optional: {}", sample{Optional: &HostedZone{}}},
		"structs":          {"list:\n  - id: a\n  - {name: b}\n", sample{List: []HostedZone{{ID: "a"}, {Name: "b"}}}},
		"JSON":             {`{"text": "a", "list": [{"id": "b"}]}`, sample{Text: "a", List: []HostedZone{{ID: "b"}}}},
		"explicit key":     {"? text\n: a", sample{Text: "a"}},
		"anchor":           {"text: &a x\ntexts: [*a, *a]", sample{Text: "x", Texts: []string{"x", "x"}}},
		"anchor again":     {"text: &a x\ntexts: [*a, &a y, *a]", sample{Text: "x", Texts: []string{"x", "y", "y"}}},
		"merge":            {"inner: &i {id: a, name: b}\noptional: {<<: *i, name: c}", sample{Inner: HostedZone{"a", "b", nil}, Optional: &HostedZone{"a", "c", nil}}},
		"merge of several": {"inner: &i {id: a}\noptional: {<<: [*i, {id: x, name: y}]}", sample{Inner: HostedZone{ID: "a"}, Optional: &HostedZone{"a", "y", nil}}},
		"merge in a map":   {"map: {<<: {a: 1, b: 2}, b: 3}", sample{Map: map[string]string{"a": "1", "b": "3"}}},
		"reference":        {"text: ${HIDDEN}", sample{Text: "hidden-value"}},
		"within a text":    {"text: a-${HIDDEN}-${MAX}", sample{Text: "a-hidden-value-3"}},
		"for a number":     {`number: "${MAX}"`, sample{Number: 3}},
		"not a reference":  {"text: $${HIDDEN} $HIDDEN $$ $", sample{Text: "${HIDDEN} $HIDDEN $$ $"}},
		"in a list":        {`texts: ["${MAX}"]`, sample{Texts: []string{"3"}}},
		"not in a key":     {`map: {"${MAX}": a}`, sample{Map: map[string]string{"${MAX}": "a"}}},
		"start of YAML":    {"---\ntext: a\n...\n", sample{Text: "a"}},
		"directive":        {"%YAML 1.2\n---\ntext: a\n", sample{Text: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, d := decodeSample(test.text)
			require.Empty(t, d.problems)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestDecodeProblems(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"quoted number":     {`number: "1"`, `number: "1" in quotes is a text`},
		"hexadecimal":       {`number: 0x10`, `number: "0x10" is not a whole number`},
		"underscore":        {`number: 1_000`, `number: "1_000" is not a whole number`},
		"leading zero":      {`number: 010`, `number: "010" is not a whole number`},
		"too many digits":   {`number: 99999999999999999999`, `number: "99999999999999999999" is not a whole number`},
		"exponent":          {`size: 1e3`, `size: "1e3" is not a number`},
		"infinity":          {`size: .inf`, `size: ".inf" is not a number`},
		"yes":               {`flag: yes`, `flag: "yes" is not true or false`},
		"no unit":           {`time: 15`, `time: "15" is not a duration`},
		"negative duration": {`time: -5m`, `time: "-5m" is not a duration`},
		"long duration":     {`time: 99999999h`, `time: "99999999h" is not a duration`},
		"text for a list":   {`texts: a`, `texts: a text is given`},
		"list in a list":    {`texts: [[a]]`, `texts[0]: a list is given`},
		"map in a map":      {`map: {a: {b: c}}`, `map.a: a mapping is given`},
		"odd key":           {`map: {"a b": [c]}`, `map["a b"]: a list is given`},
		"empty text":        {`text: ""`, `text: is empty`},
		"zero number":       {`number: 0`, `number: 0 is not possible here`},
		"null":              {`optional: null`, `optional: has no value`},
		"own tag":           {`text: !mine x`, `text: has the tag !mine, which is not supported`},
		"binary":            {`text: !!binary YQ==`, `text: has the tag !!binary, which is not supported`},
		"itself":            {`list: &a [*a]`, `list[0]: contains itself`},
		"within itself":     {`optional: &a {<<: *a}`, `optional: contains itself`},
		"empty reference":   {`text: ${EMPTY}`, `text: "${EMPTY}" is empty`},
		"unset":             {`text: a${NOT_SET}b`, `text: the environment variable NOT_SET is not set`},
		"number of a text":  {`number: "${HIDDEN}"`, `number: "${HIDDEN}" is not a whole number`},
		"time of a text":    {`time: "${HIDDEN}s"`, `time: "${HIDDEN}s" is not a duration`},
	} {
		t.Run(name, func(t *testing.T) {
			_, d := decodeSample(test.text)
			require.Len(t, d.problems, 1)
			p := d.problems[0]
			assert.Equal(t, test.want, p.Path+": "+p.Wrong)
			assert.NotEmpty(t, p.Fix)
		})
	}
}

func TestPositions(t *testing.T) {
	_, err := Parse("x.yaml", []byte(strings.TrimLeft(`
name: shop
services:
  - name: web
    healthCheck: {path: up}
stages:
- name: dev
  scale:
    tasks:
      min: 9
      max: 3
- name: prod
  database: {}
  region: nowhere
`, "\n")), nil)
	var problems Problems
	require.ErrorAs(t, err, &problems)
	var got []string
	for _, p := range problems {
		got = append(got, strings.Split(p.String(), " ")[0]+" "+p.Path)
	}
	assert.Equal(t, []string{
		"x.yaml:4:19: services[0].healthCheck.path",
		"x.yaml:9:7: stages[0].scale.tasks.min",
		"x.yaml:13:3: stages[1].region",
	}, got)
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]string{
		"0s":      "0s",
		"30s":     "30s",
		"90s":     "1m30s",
		"15m":     "15m",
		"60m":     "1h",
		"1h30m":   "1h30m",
		"10h":     "10h",
		"24h0m1s": "24h0m1s",
		"1.5h":    "1h30m",
		"500ms":   "500ms",
	} {
		d, err := ParseDuration(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, d.String(), text)
		again, err := ParseDuration(d.String())
		require.NoError(t, err, text)
		assert.Equal(t, d, again, text)
	}
	for _, text := range []string{"", "15", "-1m", "soon", "1d"} {
		_, err := ParseDuration(text)
		assert.Error(t, err, text)
	}
	assert.Equal(t, 90, Duration(90*time.Minute).Minutes())
	assert.Equal(t, 90, Duration(90*time.Second).Seconds())
}

func TestParseSecretRef(t *testing.T) {
	for text, want := range map[string]SecretRef{
		"stripe":          {Store: SecretsManager, Name: "stripe"},
		"prod/stripe":     {Store: SecretsManager, Name: "prod/stripe"},
		"prod/stripe#key": {Store: SecretsManager, Name: "prod/stripe", Key: "key"},
		"arn:aws:secretsmanager:us-east-1:111111111111:secret:prod/stripe-AbCdEf": {
			Store: SecretsManager, Name: "prod/stripe-AbCdEf", ARN: "arn:aws:secretsmanager:us-east-1:111111111111:secret:prod/stripe-AbCdEf",
		},
		"arn:aws:secretsmanager:us-east-1:111111111111:secret:prod/stripe-AbCdEf#key": {
			Store: SecretsManager, Name: "prod/stripe-AbCdEf", ARN: "arn:aws:secretsmanager:us-east-1:111111111111:secret:prod/stripe-AbCdEf", Key: "key",
		},
		"ssm:/shop/token": {Store: ParameterStore, Name: "/shop/token"},
		"ssm:token":       {Store: ParameterStore, Name: "token"},
		"arn:aws:ssm:eu-west-1:111111111111:parameter/shop/token": {
			Store: ParameterStore, Name: "/shop/token", ARN: "arn:aws:ssm:eu-west-1:111111111111:parameter/shop/token",
		},
	} {
		got, err := ParseSecretRef(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
		assert.Equal(t, text, got.String())
	}
	ref, err := ParseSecretRef("arn:aws:ssm:eu-west-1:111111111111:parameter/shop/token")
	require.NoError(t, err)
	assert.Equal(t, "eu-west-1", ref.Region())
	assert.Equal(t, "111111111111", ref.Account())
	ref, err = ParseSecretRef("stripe")
	require.NoError(t, err)
	assert.Empty(t, ref.Region())
	assert.Empty(t, ref.Account())

	for name, text := range map[string]string{
		"nothing":              "",
		"access key":           "AKIAABCDEFGHIJKLMNOP",
		"Stripe key":           "sk_live_marker",
		"PEM":                  "-----BEGIN RSA PRIVATE KEY-----marker",
		"white space":          "correct horse marker",
		"long":                 strings.Repeat("marker", 100),
		"like the end of ARNs": "prod/marker-abcdef",
		"another ARN":          "arn:aws:s3:::marker",
		"without account":      "arn:aws:secretsmanager:us-east-1::secret:marker",
		"partial ARN":          "arn:aws:secretsmanager:us-east-1:111111111111:secret:marker",
		"native form":          "arn:aws:secretsmanager:us-east-1:111111111111:secret:marker-AbCdEf:key::",
		"odd characters":       "marker$",
		"empty key":            "marker#",
		"two keys":             "marker#a#b",
		"key of a parameter":   "ssm:/marker#key",
		"empty parameter":      "ssm:",
		"odd parameter":        "ssm:/marker//x",
	} {
		_, err := ParseSecretRef(text)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "marker", name)
		assert.NotContains(t, err.Error(), "AKIA", name)
	}
}

func TestLooksSecret(t *testing.T) {
	for text, want := range map[string]bool{
		"AKIAIOSFODNN7EXAMPLE":                      true,
		"key=ASIAIOSFODNN7EXAMPLE;":                 true,
		"sk_live_4eC39HqLyjWDarjtT1zdp7dc":          true,
		"ghp_0123456789012345678901234567890123456": true,
		"-----BEGIN CERTIFICATE-----":               true,
		"AKIA":                                      false,
		"info":                                      false,
		"prod/sk_live":                              false,
		"https://example.com/path":                  false,
		"0123456789abcdef0123456789abcdef01234567":  false,
	} {
		assert.Equal(t, want, looksSecret(text), text)
	}
}

func TestImages(t *testing.T) {
	for image, valid := range map[string]bool{
		"redis":                                 true,
		"python:3.9":                            true,
		"library/redis:7-alpine":                true,
		"public.ecr.aws/docker/library/redis:7": true,
		"localhost:5000/a/b":                    true,
		"111111111111.dkr.ecr.us-east-1.amazonaws.com/shop_web:1.0.0": true,
		"redis@sha256:" + strings.Repeat("0a", 32):                    true,
		"redis:7@sha256:" + strings.Repeat("0a", 32):                  true,
		"a__b/c---d":                         true,
		"Redis":                              false,
		"redis:":                             false,
		"redis:a b":                          false,
		"/redis":                             false,
		"redis//x":                           false,
		"redis@sha256:abc":                   false,
		"https://registry.example.com/redis": false,
		"redis:" + strings.Repeat("x", 129):  false,
	} {
		assert.Equal(t, valid, imagePattern.MatchString(image), image)
	}
}

func TestUnknownTypes(t *testing.T) {
	for name, severity := range map[string]Severity{
		"m99g.large":     Warning, // a later generation
		"q1.large":       Warning, // a new series
		"t3.mirco":       Error,
		"t3.4xlarge":     Error, // a family that is known has no such size
		"m5zz.large":     Error, // an old generation gets no new family
		"t3":             Error,
		"db.t3.micro":    Error,
		"t3.micro\nevil": Error,
	} {
		r := newReport(nil)
		validateInstance(r, name)
		require.Len(t, r.to.problems, 1, name)
		assert.Equal(t, severity, r.to.problems[0].Severity, name)
	}
}
