package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// Source is a place that code comes from. Exactly one kind is given: a
// repository with a connection (GitHub, GitLab, Bitbucket), a CodeCommit
// repository, or a zip object in S3.
type Source struct {
	// Repository at the provider of the connection.
	//   - Default: none; required with [Source.Connection]
	//   - Allowed: owner/name, with more segments where the provider has groups
	//   - Change: in the pipeline; its execution ends, and the newest commit starts again
	//   - Example: acme/shop
	Repository string `yaml:"repository"`

	// Connection is the ARN of the CodeConnections connection that reaches
	// the repository, in the pipeline's region. It is made in the console.
	//   - Default: none; required with [Source.Repository]
	//   - Allowed: the ARN of a connection
	//   - Change: in the pipeline
	//   - Example: arn:aws:codeconnections:us-east-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef
	Connection string `yaml:"connection"`

	// CodeCommit is the name of a CodeCommit repository in the pipeline's
	// account and region.
	//   - Default: none
	//   - Allowed: 1 to 100 letters, digits and . _ -
	//   - Change: in the pipeline; its execution ends, and the newest commit starts again
	//   - Example: shop-new
	CodeCommit string `yaml:"codeCommit"`

	// Bucket is the name of a versioned S3 bucket that holds the source as a
	// zip.
	//   - Default: none; required with [Source.Key]
	//   - Allowed: 3 to 63 lower-case letters, digits, dots and hyphens
	//   - Change: in the pipeline; its execution ends, and the newest object starts again
	//   - Example: shop-source
	Bucket string `yaml:"bucket"`

	// Key is the zip object in the bucket whose change starts the pipeline.
	//   - Default: none; required with [Source.Bucket]
	//   - Allowed: a key that ends with .zip and does not begin with a slash, without *, ?, ${ and #{
	//   - Change: in the pipeline; its execution ends, and the newest object starts again
	//   - Example: releases/shop.zip
	Key string `yaml:"key"`

	// Branch that is followed. Not with an S3 source.
	//   - Default: main
	//   - Allowed: the name of a branch, without refs/heads/
	//   - Change: in the pipeline; its execution ends, and the branch's newest commit starts again
	//   - Example: release/1.x
	Branch string `yaml:"branch"`

	// Branches are patterns of the branches whose pushes start the pipeline;
	// one that begins with "!" excludes. [Source.Branch] is then what a start by
	// hand takes. Only with a connection, and not with [Source.Tags].
	//   - Default: the branch alone
	//   - Allowed: up to 8 patterns that include and 8 that exclude
	//   - Change: in the pipeline
	//   - Example: [release/*, "!release/0.*"]
	Branches []string `yaml:"branches"`

	// Tags are patterns of the git tags whose push starts the pipeline, in
	// place of pushes to a branch; one that begins with "!" excludes. Only with
	// a connection.
	//   - Default: none
	//   - Allowed: up to 8 patterns that include and 8 that exclude
	//   - Change: in the pipeline
	//   - Example: [v*]
	Tags []string `yaml:"tags"`

	// Paths are patterns of the files of which one has to change for a push
	// to start the pipeline; one that begins with "!" excludes. Only with a
	// connection, and not with [Source.Tags].
	//   - Default: all files
	//   - Allowed: up to 8 patterns that include and 8 that exclude
	//   - Change: in the pipeline
	//   - Example: [services/**]
	Paths []string `yaml:"paths"`
}

const defaultBranch = "main"

func (s *Source) setDefaults() {
	if s.Bucket == "" {
		fill(&s.Branch, defaultBranch)
	}
}

var (
	repositoryPattern = compile(`^[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+$`)
	connectionPattern = compile(`^arn:aws[a-z-]*:(?:codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/[A-Za-z0-9-]+$`)
	codeCommitPattern = compile(`^[A-Za-z0-9_.-]{1,100}$`)
	bucketPattern     = compile(`^[a-z0-9](?:[a-z0-9-]|\.[a-z0-9]){1,61}[a-z0-9]$`)
	branchPattern     = compile(`^[A-Za-z0-9_][A-Za-z0-9_./@+#-]{0,254}$`)
)

// validate checks a source for a pipeline; without a pipeline, what can be
// checked all the same.
func (s Source) validate(r report, pipeline *Pipeline) {
	const kinds = "repository and connection, codeCommit, or bucket and key"
	var given []string
	if s.Repository != "" || s.Connection != "" {
		given = append(given, "repository")
	}
	if s.CodeCommit != "" {
		given = append(given, "codeCommit")
	}
	if s.Bucket != "" || s.Key != "" {
		given = append(given, "bucket")
	}
	switch len(given) {
	case 0:
		r.fail("names no source", kinds, "give one of them")
	case 1:
	default:
		r.fail(phrase.List(given, "and")+" are given together", "one of "+kinds, "remove the others")
	}
	if s.Repository != "" || s.Connection != "" {
		s.validateRepository(r, pipeline)
	}
	if s.CodeCommit != "" {
		r.field("codeCommit").matches(s.CodeCommit, codeCommitPattern, "the name of a CodeCommit repository", "1 to 100 letters, digits and . _ -", "give the repository's name, not its URL")
	}
	if s.Bucket != "" || s.Key != "" {
		s.validateObject(r)
	}
	s.validateFilters(r)
	if s.Branch == "" {
		return
	}
	branch := r.field("branch")
	switch {
	case s.Bucket != "":
		branch.fail("an object in S3 has no branch", "", "remove it")
	case strings.Contains(s.Branch, "..") || strings.HasSuffix(s.Branch, "/"):
		branch.fail(branch.quote(s.Branch)+" is not the name of a branch", "a branch, as in main", "give the branch's name")
	default:
		branch.matches(s.Branch, branchPattern, "the name of a branch", "a branch, as in main", "give the branch's name, without refs/heads/")
	}
}

// place is what a source is, whichever branch of it is followed.
func (s Source) place() string {
	return strings.Join([]string{s.Repository, s.CodeCommit, s.Bucket, s.Key}, "\n")
}

func (s Source) validateRepository(r report, pipeline *Pipeline) {
	repository, connection := r.field("repository"), r.field("connection")
	if repository.required(s.Repository, "owner/name", "name the repository that the connection reaches") {
		fix := "give owner and name"
		if strings.Contains(s.Repository, "://") || strings.HasPrefix(s.Repository, "git@") {
			fix = "give owner and name, not the URL"
		}
		repository.matches(s.Repository, repositoryPattern, "a repository", "owner/name", fix)
	}
	if !connection.required(s.Connection, "the ARN of a CodeConnections connection", "make a connection in the console (Developer Tools, Settings, Connections) and give its ARN") ||
		!connection.matches(s.Connection, connectionPattern, "the ARN of a connection", "arn:aws:codeconnections:REGION:ACCOUNT:connection/ID", "copy the ARN from the console: Developer Tools, Settings, Connections") ||
		pipeline == nil || isToken(s.Connection) {
		return
	}
	if arnPart(s.Connection, 3) != pipeline.Region {
		connection.fail(connection.quote(s.Connection)+" is not in the pipeline's region "+r.quote(pipeline.Region), "a connection in that region", "make the connection there, or move the pipeline")
	}
	if arnPart(s.Connection, 4) != pipeline.Account {
		connection.warn(connection.quote(s.Connection)+" is not in the pipeline's account "+r.quote(pipeline.Account), "share the connection with that account, or make one there")
	}
}

// mostPatterns is the number of patterns of each kind that a filter of a
// CodePipeline trigger takes.
const mostPatterns = 8

var globPattern = compile(`^!?[^\s!]\S{0,254}$`)

// validateFilters checks what is to start the pipeline.
func (s Source) validateFilters(r report) {
	filters := map[string][]string{"branches": s.Branches, "paths": s.Paths, "tags": s.Tags}
	for _, name := range slices.Sorted(maps.Keys(filters)) {
		patterns, at := filters[name], r.field(name)
		if len(patterns) == 0 {
			continue
		}
		if s.CodeCommit != "" || s.Bucket != "" {
			at.fail("filters pushes, which CodePipeline does for connections only", "", "remove it, or reach the repository over a connection")
			continue
		}
		if name != "tags" && len(s.Tags) > 0 {
			at.fail("is given beside tags, and a push is either of a branch or of a tag", name+" or tags", "remove one of the two")
		}
		excluding := 0
		for i, pattern := range patterns {
			at.item(i).matches(pattern, globPattern, "a pattern", "1 to 255 characters without spaces, as in release/* or !docs/**", "correct the pattern")
			if strings.HasPrefix(pattern, "!") {
				excluding++
			}
		}
		if most := max(excluding, len(patterns)-excluding); most > mostPatterns {
			at.fail(fmt.Sprintf("has %d patterns of one kind", most), fmt.Sprintf("up to %d that include and %d that exclude", mostPatterns, mostPatterns), "join patterns with * and **")
		}
	}
}

func (s Source) validateObject(r report) {
	bucket, key := r.field("bucket"), r.field("key")
	if bucket.required(s.Bucket, "the name of a bucket", "name the bucket that holds the key") {
		bucket.matches(s.Bucket, bucketPattern, "the name of a bucket", "3 to 63 lower-case letters, digits, dots and hyphens", "give the bucket's name, without s3://")
	}
	if !key.required(s.Key, "the key of a zip object", "name the object in the bucket") || isToken(s.Key) {
		return
	}
	switch {
	case len(s.Key) > 1024 || strings.HasPrefix(s.Key, "/") || !strings.HasSuffix(s.Key, ".zip"):
		key.fail(key.quote(s.Key)+" is not the key of a zip object", "a key that ends with .zip and does not begin with a slash", "pack the source as a zip")
	case strings.ContainsAny(s.Key, "*?") || strings.Contains(s.Key, "${") || strings.Contains(s.Key, "#{"):
		// The pipeline's policy names the object, and CodePipeline puts its variables in.
		key.fail(key.quote(s.Key)+" means other objects, too, to the pipeline and to the policy that lets it read this one", "a key without *, ?, ${ and #{", "rename the object")
	}
}
