package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// An Option changes how a template is normalised before it is compared.
type Option func(*config)

type config struct {
	replacements []replacement
}

type replacement struct {
	old *regexp.Regexp
	new string
}

func newConfig(opts []Option) *config {
	c := new(config)
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// Replace replaces what old matches in the strings and keys of the template by
// new, in which $1 stands for the first submatch, as in
// [regexp.Regexp.ReplaceAllString]. It is for values that differ between runs or
// machines, such as a commit id. It sees strings as they are in the template,
// before any embedded document is taken apart, and replacements are applied in
// the order in which they are given. To keep a Lambda function's code from
// changing the logical id of its current version in the golden file:
//
//	snapshot.Replace(regexp.MustCompile(`(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}`), "$1")
func Replace(old *regexp.Regexp, new string) Option {
	return func(c *config) {
		c.replacements = append(c.replacements, replacement{old, new})
	}
}

// Render returns the content of the golden file of a template: its normalised
// form as JSON with sorted keys, indented by one space, without HTML escapes,
// and ending in a newline.
func Render(t Template, opts ...Option) ([]byte, error) {
	n, err := Normalize(t, opts...)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(n); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return buf.Bytes(), nil
}

// Normalize returns a copy of a template without what changes between
// synthesising the same app twice, and with embedded documents taken apart. The
// package documentation describes the result. Its numbers are json.Number, so
// that they are written the way they were read. Normalising what is normalised
// already changes nothing.
func Normalize(t Template, opts ...Option) (Template, error) {
	if t == nil {
		return nil, errors.New("snapshot: template is nil")
	}
	c := newConfig(opts)

	// Going through JSON both copies the template and makes one that was built
	// in Go, with ints and structs, equal to the same one read from a file.
	data, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var n map[string]any
	if err := dec.Decode(&n); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}

	dropVolatile(n)
	replaced, err := c.replace(n)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	expanded := expand(replaced)
	return Template(numberHashes(expanded, false, make(map[string]string)).(map[string]any)), nil
}

// replace applies the replacements of the options to v.
func (c *config) replace(v any) (any, error) {
	if len(c.replacements) == 0 {
		return v, nil
	}
	switch v := v.(type) {
	case string:
		for _, r := range c.replacements {
			v = r.old.ReplaceAllString(v, r.new)
		}
		return v, nil
	case []any:
		for i, e := range v {
			e, err := c.replace(e)
			if err != nil {
				return nil, err
			}
			v[i] = e
		}
		return v, nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for _, key := range sortedKeys(v) {
			k, err := c.replace(key)
			if err != nil {
				return nil, err
			}
			e, err := c.replace(v[key])
			if err != nil {
				return nil, err
			}
			if _, ok := m[k.(string)]; ok {
				return nil, fmt.Errorf("replacing makes two keys equal: %q", k)
			}
			m[k.(string)] = e
		}
		return m, nil
	default:
		return v, nil
	}
}

// assetKey matches the S3 key of a file asset.
var assetKey = regexp.MustCompile(`^(.*/)?[0-9a-f]{64}\.[0-9A-Za-z.]+$`)

// dropVolatile removes from a template what depends on the version of the CDK,
// on the way in which it was run, or on the code of a Lambda function.
func dropVolatile(t map[string]any) {
	dropFrom(t, "Resources", "CDKMetadata", "AWS::CDK::Metadata")
	dropFrom(t, "Conditions", "CDKMetadataAvailable", "")
	dropFrom(t, "Parameters", "BootstrapVersion", "AWS::SSM::Parameter::Value<String>")
	dropFrom(t, "Rules", "CheckBootstrapVersion", "")

	resources, _ := t["Resources"].(map[string]any)
	for _, v := range resources {
		r, ok := v.(map[string]any)
		if !ok {
			continue
		}
		if md, ok := r["Metadata"].(map[string]any); ok {
			n := len(md)
			for key := range md {
				if key == "aws:cdk:path" || strings.HasPrefix(key, "aws:asset:") {
					delete(md, key)
				}
			}
			if n > 0 && len(md) == 0 {
				delete(r, "Metadata")
			}
		}
		if r["Type"] == "AWS::Lambda::Function" {
			if code, ok := get(r, "Properties.Code").(map[string]any); ok {
				if key, ok := code["S3Key"].(string); ok && assetKey.MatchString(key) {
					delete(code, "S3Key")
				}
			}
		}
	}
}

// dropFrom removes an entry from a section of a template, and the section too if
// nothing else is in it. The entry must be of the given type, so that something
// of the same name that the app defines is kept; an empty type matches any.
// Resources is a section that every template has, so it stays when it is empty.
func dropFrom(t map[string]any, section, id, typ string) {
	entries, _ := t[section].(map[string]any)
	entry, ok := entries[id].(map[string]any)
	if !ok || typ != "" && entry["Type"] != typ {
		return
	}
	delete(entries, id)
	if len(entries) == 0 && section != "Resources" {
		delete(t, section)
	}
}

// assetHash matches every hash that could be that of an asset.
var assetHash = regexp.MustCompile(`[0-9a-f]{64}`)

// The places where the CDK writes the hash of an asset, seen from the hash.
var (
	// A file extension, as in the key of an S3 object, or the name of a
	// destination, as in a command that publishes the asset.
	afterHash = regexp.MustCompile(`^[.:][0-9A-Za-z]`)
	// The tag of an image, perhaps with a prefix.
	beforeHash = regexp.MustCompile(`:[0-9A-Za-z_.-]*$`)
	// What follows the hash in the id of a destination: the environment, and a
	// short hash that covers the asset.
	destination = regexp.MustCompile(`^(:[0-9A-Za-z_-]+-)[0-9a-f]{8}\b`)
)

// isAssetHash reports whether a hash between the strings before and after is
// that of an asset. A hash anywhere else is something that somebody wrote down,
// such as the digest of an image, and hiding it would hide changes to it.
func isAssetHash(before, after string) bool {
	if before != "" && isAlphanumeric(before[len(before)-1]) || after != "" && isAlphanumeric(after[0]) {
		return false
	}
	if strings.HasSuffix(before, "sha256:") {
		return false
	}
	return strings.HasSuffix(before, "asset.") || beforeHash.MatchString(before) || afterHash.MatchString(after)
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// numberHashes replaces the asset hashes in the strings of v by placeholders.
// Objects are walked in the order of their keys, so equal templates get equal
// numbers. If parts is set, the strings of v are parts of longer ones, so that
// nothing can be said of one that is only a hash. The map holds the placeholders
// of the hashes seen so far.
func numberHashes(v any, parts bool, seen map[string]string) any {
	switch v := v.(type) {
	case string:
		return numberHashesIn(v, parts, seen)
	case []any:
		for i, e := range v {
			v[i] = numberHashes(e, parts, seen)
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			parts := key == markLines || key == markJSONString || key == "Fn::Join"
			v[key] = numberHashes(v[key], parts, seen)
		}
	}
	return v
}

// numberHashesIn replaces the asset hashes in s. A destination id ends in a hash
// that changes with the asset but is too short to be recognised by itself, so it
// goes together with the asset's hash.
func numberHashesIn(s string, part bool, seen map[string]string) string {
	var b strings.Builder
	end := 0
	for _, m := range assetHash.FindAllStringIndex(s, -1) {
		alone := !part && m[0] == 0 && m[1] == len(s)
		if !alone && !isAssetHash(s[:m[0]], s[m[1]:]) {
			continue
		}
		hash := s[m[0]:m[1]]
		if seen[hash] == "" {
			seen[hash] = fmt.Sprintf("ASSET-HASH-%d", len(seen)+1)
		}
		b.WriteString(s[end:m[0]])
		b.WriteString(seen[hash])
		end = m[1]
		if d := destination.FindStringSubmatch(s[end:]); d != nil {
			b.WriteString(d[1] + "DESTINATION-HASH")
			end += len(d[0])
		}
	}
	b.WriteString(s[end:])
	return b.String()
}
