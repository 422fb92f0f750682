package snapshot

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestLogicalIDs(t *testing.T) {
	a := loadTestdata(t)
	want := []string{
		"Prod-Shop/OrdersBucket0D3A7F21 AWS::S3::Bucket",
		"Shop/OrdersBucket0D3A7F21 AWS::S3::Bucket",
		"Shop/Search/Deeper/Log AWS::Logs::LogGroup",
		"Shop/Search/Index AWS::DynamoDB::Table",
		"network@Network/Subnet1 AWS::EC2::Subnet",
		"network@Network/Vpc8378EB38 AWS::EC2::VPC",
		"network@ProdNetwork5E6F7A8B/Vpc8378EB38 AWS::EC2::VPC",
	}
	if got := LogicalIDs(a); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	want = []string{"Shop/ApiCBC8E1A5 AWS::Lambda::Function", "network@Network/Subnet1 AWS::EC2::Subnet"}
	if got := LogicalIDs(a, "AWS::EC2::Subnet", "AWS::Lambda::Function"); !reflect.DeepEqual(got, want) {
		t.Errorf("of two types: got %q, want %q", got, want)
	}

	if got := LogicalIDs(nil); len(got) != 0 {
		t.Errorf("of nil: got %q", got)
	}
}

func TestStatefulTypes(t *testing.T) {
	types := StatefulTypes()
	valid := regexp.MustCompile(`^AWS::[0-9A-Za-z]+::[0-9A-Za-z]+$`)
	seen := make(map[string]bool)
	for _, typ := range types {
		if !valid.MatchString(typ) {
			t.Errorf("%q is no resource type", typ)
		}
		if seen[typ] {
			t.Errorf("%s is there twice", typ)
		}
		seen[typ] = true
	}
	for _, typ := range []string{
		"AWS::Cognito::UserPool", "AWS::DynamoDB::Table", "AWS::EC2::Subnet", "AWS::EC2::VPC", "AWS::ECR::Repository",
		"AWS::EFS::FileSystem", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance",
		"AWS::RDS::DBSubnetGroup", "AWS::Route53::HostedZone", "AWS::S3::Bucket", "AWS::SecretsManager::Secret",
		"AWS::ServiceDiscovery::PrivateDnsNamespace",
	} {
		if !seen[typ] {
			t.Errorf("%s is missing", typ)
		}
	}

	// The caller may change the list.
	types[0] = "changed"
	if slices.Contains(StatefulTypes(), "changed") {
		t.Error("the list is shared")
	}
}

func TestMatchLogicalIDs(t *testing.T) {
	golden := filepath.Join(t.TempDir(), "ids.txt")
	app := func(ids map[string]string) *Assembly {
		resources := make(map[string]any)
		for id, typ := range ids {
			resources[id] = map[string]any{"Type": typ}
		}
		return &Assembly{Stacks: []*Stack{{ID: "Shop", Name: "shop", Template: Template{"Resources": resources}}}}
	}
	match := func(ids map[string]string) func(testing.TB) {
		return func(tb testing.TB) { MatchLogicalIDs(tb, golden, app(ids)) }
	}
	const (
		bucket = "AWS::S3::Bucket"
		table  = "AWS::DynamoDB::Table"
		role   = "AWS::IAM::Role"
	)
	before := map[string]string{"Orders": bucket, "Stock": table, "Role": role}

	record(t, false, match(before)).failed(t, "no golden file "+golden, wantCommand)
	if _, err := os.Stat(golden); !os.IsNotExist(err) {
		t.Errorf("a missing golden file was created: %v", err)
	}
	record(t, true, match(before)).passed(t)
	if got, want := readFile(t, golden), "shop/Orders AWS::S3::Bucket\nshop/Stock AWS::DynamoDB::Table\n"; got != want {
		t.Errorf("golden file:\n%s\nwant\n%s", got, want)
	}
	record(t, false, match(before)).passed(t)

	const (
		loss   = "CloudFormation would delete\nthe resource at the next deployment"
		note   = "write a note on\nhow to upgrade"
		gain   = "replace nothing"
		rename = "is it now"
	)
	tests := []struct {
		name      string
		after     map[string]string
		want, not []string
	}{
		{
			"renamed",
			map[string]string{"Sales": bucket, "Stock": table},
			[]string{"- shop/Orders AWS::S3::Bucket\n    (is it now shop/Sales AWS::S3::Bucket?)\n+ shop/Sales AWS::S3::Bucket\n", loss, "rename it back", note},
			[]string{gain, "shop/Stock"},
		},
		{
			"vanished",
			map[string]string{"Stock": table},
			[]string{"- shop/Orders AWS::S3::Bucket\n", loss, note},
			[]string{gain, rename, "\n+ "},
		},
		{
			"other type",
			map[string]string{"Orders": table, "Stock": table},
			[]string{"- shop/Orders AWS::S3::Bucket\n    (is it now shop/Orders AWS::DynamoDB::Table?)\n", loss},
			[]string{gain},
		},
		{
			"renamed to one of two",
			map[string]string{"New1": bucket, "New2": bucket, "Stock": table},
			[]string{"- shop/Orders", "+ shop/New1", "+ shop/New2", loss},
			[]string{rename},
		},
		{
			"added",
			map[string]string{"Orders": bucket, "Stock": table, "New": bucket},
			[]string{"+ shop/New AWS::S3::Bucket\n", gain},
			[]string{"\n- ", loss, rename},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := record(t, false, match(tt.after))
			r.failed(t, append(tt.want, golden+" is out of date", wantCommand)...)
			for _, s := range tt.not {
				if strings.Contains(r.errors[0], s) {
					t.Errorf("failure is\n%s\nwhich has %q", r.errors[0], s)
				}
			}
		})
	}

	// Two stacks, so that what moves between them is not taken for something
	// else.
	const sales, stock = "sales/Orders AWS::S3::Bucket", "stock/Orders AWS::S3::Bucket"
	for _, tt := range []struct {
		gone  string
		added []string
		want  string
	}{
		{sales, []string{stock, "sales/Logs AWS::S3::Bucket"}, stock},
		{sales, []string{"stock/Logs AWS::S3::Bucket", "sales/Logs AWS::S3::Bucket"}, "sales/Logs AWS::S3::Bucket"},
		{sales, []string{"stock/Logs AWS::S3::Bucket", "sales/Orders AWS::SQS::Queue"}, "sales/Orders AWS::SQS::Queue"},
		{sales, []string{"stock/Logs AWS::S3::Bucket", "stock/Orders AWS::SQS::Queue"}, ""},
		{sales, nil, ""},
	} {
		if got := renamed(tt.gone, tt.added); got != tt.want {
			t.Errorf("%s among %q: got %q, want %q", tt.gone, tt.added, got, tt.want)
		}
	}

	// Resources of other types come and go.
	record(t, false, match(map[string]string{"Orders": bucket, "Stock": table, "Alarm": "AWS::CloudWatch::Alarm"})).passed(t)
	record(t, false, func(tb testing.TB) { MatchLogicalIDs(tb, golden, app(before), bucket, table, role) }).
		failed(t, "+ shop/Role AWS::IAM::Role")

	writeFiles(t, filepath.Dir(golden), map[string]string{"ids.txt": "shop/Stock AWS::DynamoDB::Table\n\nshop/Orders AWS::S3::Bucket\n"})
	record(t, false, match(before)).failed(t, "not\nsorted")

	// An empty list has to be agreed to as well.
	golden = filepath.Join(t.TempDir(), "none.txt")
	record(t, false, match(nil)).failed(t, "no golden file "+golden)
	record(t, true, match(nil)).passed(t)
	record(t, false, match(nil)).passed(t)
	record(t, false, match(before)).failed(t, "+ shop/Orders")

	for _, a := range []*Assembly{nil, {}} {
		record(t, true, func(tb testing.TB) { MatchLogicalIDs(tb, golden, a) }).failed(t, "the assembly has no stacks")
	}
}
