package snapshot_test

import (
	"fmt"
	"log"
	"slices"

	"github.com/tinystack-go/tinystack/snapshot"
)

// load reads what would be the result of app.Synth(nil).Directory().
func load() *snapshot.Assembly {
	assembly, err := snapshot.Load("testdata/assembly")
	if err != nil {
		log.Fatal(err)
	}
	return assembly
}

func ExampleLoad() {
	assembly, err := snapshot.Load("testdata/assembly") // *app.Synth(nil).Directory()
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range assembly.Stacks {
		fmt.Println(s.Name, s.Environment)
		for _, m := range s.Messages {
			fmt.Println("  " + m.String())
		}
	}
	// Output:
	// Prod-Shop aws://222222222222/us-east-1
	// Shop aws://111111111111/eu-west-1
	//   info /Shop/Api: map[text:structured]
	//   warning /Shop/Orders: orders are kept for one day
	// network aws://unknown-account/unknown-region
	//   error /Network: no NAT gateway
	//   warning /Network/Vpc/Resource: one zone only [ack: network:zones]
	//   info /Network/Vpc/Resource: flow logs are off
	// network aws://222222222222/us-east-1
}

func ExampleTemplate_Resources() {
	shop, err := load().Stack("Shop")
	if err != nil {
		log.Fatal(err)
	}
	for id, fn := range shop.Template.Resources("AWS::Lambda::Function") {
		fmt.Println(id, fn.Get("Properties.MemorySize"), fn.DependsOn)
	}
	// Output:
	// ApiCBC8E1A5 512 [ApiRole]
}

func ExampleLogicalIDs() {
	types := append(snapshot.StatefulTypes(), "AWS::IAM::Role")
	ids := snapshot.LogicalIDs(load(), types...)
	fmt.Println(len(ids), slices.Contains(ids, "Shop/ApiRole AWS::IAM::Role"))
	for _, id := range snapshot.LogicalIDs(load(), "AWS::S3::Bucket") {
		fmt.Println(id)
	}
	// Output:
	// 8 true
	// Prod-Shop/OrdersBucket0D3A7F21 AWS::S3::Bucket
	// Shop/OrdersBucket0D3A7F21 AWS::S3::Bucket
}

func ExampleRender() {
	content, err := snapshot.Render(snapshot.Template{
		"Resources": map[string]any{
			"Dashboard": map[string]any{
				"Type": "AWS::CloudWatch::Dashboard",
				"Properties": map[string]any{
					"DashboardBody": `{"widgets":[{"width":6}]}`,
				},
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(content))
	// Output:
	// {
	//  "Resources": {
	//   "Dashboard": {
	//    "Properties": {
	//     "DashboardBody": {
	//      "Fn::ParsedJson": {
	//       "widgets": [
	//        {
	//         "width": 6
	//        }
	//       ]
	//      }
	//     }
	//    },
	//    "Type": "AWS::CloudWatch::Dashboard"
	//   }
	//  }
	// }
}
