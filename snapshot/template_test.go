package snapshot

import (
	"encoding/json"
	"reflect"
	"testing"
)

func parseTemplate(t testing.TB, s string) Template {
	t.Helper()
	var tmpl Template
	if err := json.Unmarshal([]byte(s), &tmpl); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return tmpl
}

const sampleTemplate = `{
	"Resources": {
		"Bucket": {
			"Type": "AWS::S3::Bucket",
			"Condition": "IsProd",
			"DependsOn": "Key",
			"DeletionPolicy": "Retain",
			"UpdateReplacePolicy": "Snapshot",
			"Metadata": {"a.b": 1},
			"Properties": {"Tags": [{"Key": "k", "Value": "v"}]}
		},
		"Group": {
			"Type": "AWS::AutoScaling::AutoScalingGroup",
			"DependsOn": ["Bucket", "Key"],
			"CreationPolicy": {"ResourceSignal": {"Count": 2}},
			"UpdatePolicy": {"AutoScalingReplacingUpdate": {"WillReplace": true}},
			"Properties": {"MaxSize": 3}
		},
		"Key": {"Type": "AWS::KMS::Key"},
		"Broken": "not a resource"
	},
	"Outputs": {
		"Name": {"Value": {"Ref": "Bucket"}, "Description": "The bucket", "Condition": "IsProd", "Export": {"Name": "bucket"}},
		"Plain": {"Value": "x"}
	}
}`

func TestTemplateResources(t *testing.T) {
	tmpl := parseTemplate(t, sampleTemplate)

	got := tmpl.Resources("AWS::S3::Bucket")
	if len(got) != 1 {
		t.Fatalf("got %d buckets, want 1", len(got))
	}
	b := got["Bucket"]
	b.raw = nil
	want := Resource{
		Type:                "AWS::S3::Bucket",
		Properties:          map[string]any{"Tags": []any{map[string]any{"Key": "k", "Value": "v"}}},
		DependsOn:           []string{"Key"},
		Condition:           "IsProd",
		DeletionPolicy:      "Retain",
		UpdateReplacePolicy: "Snapshot",
		Metadata:            map[string]any{"a.b": 1.0},
	}
	if !reflect.DeepEqual(b, want) {
		t.Errorf("bucket:\n got %+v\nwant %+v", b, want)
	}

	if got := sortedKeys(tmpl.Resources("")); !reflect.DeepEqual(got, []string{"Bucket", "Group", "Key"}) {
		t.Errorf("all resources: got %v", got)
	}
	if got := tmpl.Resources("AWS::SQS::Queue"); got == nil || len(got) != 0 {
		t.Errorf("queues: got %v, want an empty map", got)
	}
	if got := (Template{}).Resources(""); len(got) != 0 {
		t.Errorf("empty template: got %v", got)
	}
}

func TestTemplateResource(t *testing.T) {
	tmpl := parseTemplate(t, sampleTemplate)
	r, ok := tmpl.Resource("Group")
	if !ok {
		t.Fatal("no resource Group")
	}
	if want := []string{"Bucket", "Key"}; !reflect.DeepEqual(r.DependsOn, want) {
		t.Errorf("DependsOn: got %v, want %v", r.DependsOn, want)
	}
	if r.CreationPolicy["ResourceSignal"] == nil || r.UpdatePolicy["AutoScalingReplacingUpdate"] == nil {
		t.Errorf("policies: got %v and %v", r.CreationPolicy, r.UpdatePolicy)
	}
	for path, want := range map[string]any{
		"Type":                                "AWS::AutoScaling::AutoScalingGroup",
		"Properties.MaxSize":                  3.0,
		"Properties.MinSize":                  nil,
		"CreationPolicy.ResourceSignal.Count": 2.0,
	} {
		if got := r.Get(path); got != want {
			t.Errorf("Get(%q): got %v, want %v", path, got, want)
		}
	}
	for _, id := range []string{"Nothing", "Broken"} {
		if r, ok := tmpl.Resource(id); ok {
			t.Errorf("resource %s: got %v", id, r)
		}
	}
	if got := (Resource{}).Get("Type"); got != nil {
		t.Errorf("zero resource: got %v", got)
	}
}

func TestTemplateOutputs(t *testing.T) {
	got := parseTemplate(t, sampleTemplate).Outputs()
	want := map[string]Output{
		"Name":  {Value: map[string]any{"Ref": "Bucket"}, Description: "The bucket", Condition: "IsProd", ExportName: "bucket"},
		"Plain": {Value: "x"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestTemplateGet(t *testing.T) {
	tmpl := parseTemplate(t, sampleTemplate)
	for path, want := range map[string]any{
		"Resources.Bucket.Properties.Tags.0.Value":  "v",
		"Resources.Bucket.Properties.Tags.1.Value":  nil,
		"Resources.Bucket.Properties.Tags.-1.Value": nil,
		"Resources.Bucket.Properties.Tags.x":        nil,
		"Resources.Bucket.Type.0":                   nil,
		`Resources.Bucket.Metadata.a\.b`:            1.0,
		"Resources.Bucket.Metadata.a.b":             nil,
		`Resources\.Bucket`:                         nil,
		"":                                          nil,
	} {
		if got := tmpl.Get(path); got != want {
			t.Errorf("Get(%q): got %v, want %v", path, got, want)
		}
	}
}
