// Package snapshot tests CDK apps against golden files.
//
// It reads the cloud assembly that synthesising an app leaves on disk, and
// compares every template in it with a reviewed copy kept next to the test. A
// change to a construct then shows up in code review as a change to a golden
// file: as the CloudFormation that will be deployed, not as the code that makes
// it. The package is plain Go and needs neither jsii nor Node; only the test
// that synthesises the app does.
//
// # A golden test
//
//	func TestShop(t *testing.T) {
//		defer jsii.Close()
//
//		app := awscdk.NewApp(nil)
//		shop.NewStack(app, "Shop", &shop.StackProps{Domain: "shop.example.com"})
//
//		assembly, err := snapshot.Load(*app.Synth(nil).Directory())
//		if err != nil {
//			t.Fatal(err)
//		}
//
//		snapshot.MatchAssembly(t, "testdata/shop", assembly)
//		snapshot.MatchLogicalIDs(t, "testdata/shop-ids.txt", assembly)
//
//		stack, err := assembly.Stack("Shop")
//		if err != nil {
//			t.Fatal(err)
//		}
//		for id, db := range stack.Template.Resources("AWS::RDS::DBInstance") {
//			if db.Get("Properties.StorageEncrypted") != true {
//				t.Errorf("database %s is not encrypted", id)
//			}
//		}
//	}
//
// The first run fails, because there is nothing to compare with yet. Golden
// files are only ever written on request:
//
//	go test ./shop -run TestShop -update
//
// Read what was written, commit it, and from then on any difference fails the
// test with a diff.
//
// # The update flag
//
// The -update flag exists in every test binary that imports this package. A
// package that defines an update flag of its own keeps it, and its value counts
// for both. Go rejects flags a test binary does not know, so
// "go test ./... -update" works only where every package has the flag; to
// rewrite the golden files of a whole module, set the environment variable
// instead, which no package can object to:
//
//	UPDATE_SNAPSHOTS=1 go test ./...
//
// # What a golden file holds
//
// [Render] writes a template as JSON with sorted keys, and [Normalize] first
// takes out what changes without anybody having changed the app:
//
//   - The hash of an asset (the zip of a Lambda function, a container image)
//     becomes ASSET-HASH-1, ASSET-HASH-2 and so on, numbered in the order in
//     which the hashes appear when the template is walked with its keys sorted.
//     Only a hash where the CDK writes one is replaced: alone in a string, before
//     a file extension, as an image tag, after "asset.", or before a colon. A
//     digest that was pinned by hand (image@sha256:…, a checksum in a script)
//     stays, since changing that is changing the app. Keys, and so logical ids,
//     are never touched.
//   - The S3Key of a Lambda function's code is dropped if it names an asset. A
//     key that was written by hand stays.
//   - The CDKMetadata resource and its condition, the BootstrapVersion parameter
//     and the CheckBootstrapVersion rule are dropped: they depend on the CDK
//     version, not on the app. A test of the bootstrap check itself has to look
//     at [Stack.Template].
//   - The metadata keys aws:cdk:path and aws:asset:* are dropped. The CDK command
//     line has them written, a synthesis in a test does not.
//
// The logical id of an AWS::Lambda::Version ends in a hash of the function, so a
// function that uses its current version changes the golden file whenever its
// code changes. [Replace] can blank it out where that is unwanted.
//
// # Embedded documents
//
// Much of what matters in a template sits inside strings. Golden files show such
// strings with their structure, under markers that CloudFormation does not have:
//
//	{"Fn::ParsedJson": value}
//	    a string that holds the JSON object or array value: a dashboard body, a
//	    buildspec. Its spacing, escapes and order of keys are not shown.
//	{"Fn::Lines": ["first", "second", ["third ", {"Ref": "Bucket"}]]}
//	    a string of several lines: a script, a YAML document. The lines are
//	    joined by newlines; a line that is itself an array is the concatenation
//	    of its elements.
//	{"Fn::JsonString": ["a ", {"Ref": "Bucket"}]}
//	    only within Fn::ParsedJson: a JSON string that is the concatenation of
//	    the elements, in the quotes of the document.
//	{"Fn::JsonValue": {"Ref": "Count"}}
//	    only within Fn::ParsedJson: a value that CloudFormation inserts into the
//	    document without quotes.
//
// An Fn::Join is treated as the string it produces, because that is how the CDK
// writes a string with references in it. A document that already contains one of
// the markers, or that repeats a key, is left as a string, so that no two
// different documents are shown alike.
//
// # Pinned logical ids
//
// CloudFormation knows a resource by its logical id, which the CDK derives from
// the construct's path. Renaming or moving a construct therefore deletes the old
// resource and creates an empty one: harmless for a security group, not for a
// database. [MatchLogicalIDs] pins the ids of the resources that hold data, or
// whose address others keep, and fails when one of them changes or disappears.
package snapshot
