package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// SecretStore is the AWS service that keeps a secret.
type SecretStore string

const (
	// SecretsManager keeps secrets of any kind.
	SecretsManager SecretStore = "secrets-manager"
	// ParameterStore is that of Systems Manager (SSM).
	ParameterStore SecretStore = "parameter-store"
)

// SecretRef says where a secret value is kept, as [Stage.Secrets] writes it.
// It never holds the value.
type SecretRef struct {
	// Store that keeps the value.
	Store SecretStore
	// Name of the secret or the parameter. Of a reference by ARN it is the
	// last part of that, with the six characters that Secrets Manager adds.
	Name string
	// ARN of the secret or parameter; empty for a reference by name.
	ARN string
	// Key of a JSON secret; empty for the whole.
	Key string
}

// Region is the region of a reference by ARN, otherwise empty.
func (s SecretRef) Region() string { return arnPart(s.ARN, 3) }

// Account is the account of a reference by ARN, otherwise empty.
func (s SecretRef) Account() string { return arnPart(s.ARN, 4) }

// String writes the reference as a declaration does.
func (s SecretRef) String() string {
	text := s.ARN
	if text == "" {
		text = s.Name
		if s.Store == ParameterStore {
			text = ssmPrefix + text
		}
	}
	if s.Key != "" {
		text += "#" + s.Key
	}
	return text
}

const ssmPrefix = "ssm:"

// The exclamation mark is in the names that AWS's services give to the secrets they
// manage, as in rds!db-… (Secrets Manager user guide, "Secrets managed by other
// services").
var (
	secretName    = compile(`^[A-Za-z0-9/_+=.@!-]{1,512}$`)
	secretSuffix  = compile(`-[A-Za-z0-9]{6}$`)
	secretARN     = compile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:([A-Za-z0-9/_+=.@!-]+)$`)
	secretKey     = compile(`^[A-Za-z0-9_.-]{1,128}$`)
	parameterName = compile(`^[A-Za-z0-9_./-]+$`)
	parameterARN  = compile(`^arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter(/[A-Za-z0-9_./-]+)$`)
	hasSpace      = compile(`\s`)
)

// ParseSecretRef reads a reference to a secret: the name or ARN of a Secrets
// Manager secret, with "#key" for one key of a JSON secret, or "ssm:" and the
// name of an SSM parameter, or its ARN. An error never holds the text, which
// may be the secret itself.
func ParseSecretRef(text string) (SecretRef, error) {
	switch {
	case text == "":
		return SecretRef{}, errors.New("is empty")
	case looksSecret(text):
		return SecretRef{}, errors.New("looks like a secret itself, not like a reference to one (its text is not shown)")
	case len(text) > 512:
		return SecretRef{}, errors.New("is longer than 512 characters, so it looks like a secret itself, not like a reference to one (its text is not shown)")
	case hasSpace.MatchString(text):
		return SecretRef{}, errors.New("has white space in it, so it looks like a secret itself, not like a reference to one (its text is not shown)")
	}
	location, key, keyed := strings.Cut(text, "#")
	ref := SecretRef{Store: SecretsManager, Key: key}
	switch {
	case strings.HasPrefix(location, ssmPrefix):
		ref.Store, ref.Name = ParameterStore, strings.TrimPrefix(location, ssmPrefix)
		if !parameterName.MatchString(ref.Name) || strings.Contains(ref.Name, "//") {
			return SecretRef{}, errors.New("does not name an SSM parameter after \"ssm:\" (its text is not shown)")
		}
	case parameterARN.MatchString(location):
		ref.Store, ref.ARN, ref.Name = ParameterStore, location, parameterARN.FindStringSubmatch(location)[1]
	case secretARN.MatchString(location):
		ref.ARN, ref.Name = location, secretARN.FindStringSubmatch(location)[1]
		if !secretSuffix.MatchString(ref.Name) {
			return SecretRef{}, errors.New("is an ARN without the hyphen and the six characters that Secrets Manager ends it with (its text is not shown)")
		}
	case strings.HasPrefix(location, "arn:"):
		return SecretRef{}, errors.New("is not the ARN of a Secrets Manager secret or an SSM parameter (its text is not shown)")
	case secretName.MatchString(location):
		ref.Name = location
		if secretSuffix.MatchString(ref.Name) {
			// Secrets Manager takes them for the characters that it adds to
			// the ARN itself, and finds another secret or none.
			return SecretRef{}, errors.New("ends in a hyphen and six characters, which Secrets Manager cannot tell from the end of an ARN (its text is not shown)")
		}
	default:
		return SecretRef{}, errors.New("is not the name of a secret (its text is not shown)")
	}
	switch {
	case keyed && ref.Store == ParameterStore:
		return SecretRef{}, errors.New("has a \"#key\", which SSM parameters do not have (its text is not shown)")
	case keyed && !secretKey.MatchString(key):
		return SecretRef{}, errors.New("does not name the key of a JSON secret after \"#\" (its text is not shown)")
	}
	return ref, nil
}

// arnPart is the part of an ARN between two colons, counted from 0; the last
// holds the rest. It is empty for what is not an ARN.
func arnPart(arn string, part int) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[part]
}

// secretMarks are what secrets of well-known services look like.
var secretMarks = compile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b` + // AWS access keys
	`|-----BEGIN ` + // PEM
	`|\b[sr]k_(?:live|test)_[A-Za-z0-9]` + // Stripe
	`|\b(?:gh[pousr]_|github_pat_)[A-Za-z0-9]{20}` + // GitHub
	`|\bglpat-[A-Za-z0-9_-]{16}` + // GitLab
	`|\bxox[abprs]-[A-Za-z0-9-]{10}` + // Slack
	`|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.`) // JSON web tokens

// looksSecret says whether the text looks like a secret that should not be in
// a declaration, nor in a message.
func looksSecret(text string) bool { return secretMarks.MatchString(text) }

// urlPassword finds a password in a URL.
var urlPassword = compile(`[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@`)

const secretForms = "name, name#key, the ARN of a Secrets Manager secret with or without #key, ssm:/name, or the ARN of an SSM parameter"

func validateSecrets(r report, secrets map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		at := r.field(name)
		validateVariableName(at, name)
		if isToken(secrets[name]) {
			continue
		}
		if _, err := ParseSecretRef(secrets[name]); err != nil {
			at.fail(err.Error(), secretForms, secretFix(secrets[name]))
		}
	}
}

func secretFix(text string) string {
	switch {
	case text == "":
		return "name the secret"
	case secretName.MatchString(text) && secretSuffix.MatchString(text) && !looksSecret(text):
		return "refer to the secret by its ARN, or rename it"
	}
	return "put the value into Secrets Manager, and give the name of the secret here"
}

// validateSecretPlace checks that a reference by ARN can be read in a stage.
// The text is one that parses, or is reported already.
func validateSecretPlace(r report, text string, stage Stage) {
	ref, err := ParseSecretRef(text)
	if err != nil || isToken(text) || ref.ARN == "" {
		return
	}
	if ref.Region() != stage.Region && stage.Region != "" && !isToken(stage.Region) {
		r.fail(fmt.Sprintf("%s is not in the region of stage %s, %s", r.quote(text), r.quote(stage.Name), r.quote(stage.Region)),
			"a secret in the stage's own region", "refer to it by name, and have a secret of that name in each region")
	}
	// A secret can be shared with another account, a parameter cannot.
	if ref.Store == ParameterStore && ref.Account() != stage.Account && stage.Account != "" && !isToken(stage.Account) {
		r.fail(fmt.Sprintf("%s is not in the account of stage %s, %s", r.quote(text), r.quote(stage.Name), r.quote(stage.Account)),
			"a parameter in the stage's own account", "refer to it by name, and have a parameter of that name in each account")
	}
}

// validateSecretPlaces checks references by ARN, which hold for one region and account.
func (s Stage) validateSecretPlaces(r report, app App) {
	for _, name := range slices.Sorted(maps.Keys(s.Secrets)) {
		validateSecretPlace(r.field("secrets").field(name), s.Secrets[name], s)
	}
	for i, service := range app.Services {
		for _, name := range slices.Sorted(maps.Keys(service.Secrets)) {
			if _, replaced := s.Secrets[name]; replaced && value(service.StageConfig) {
				continue
			}
			validateSecretPlace(report{"services", r.to}.item(i).field("secrets").field(name), service.Secrets[name], s)
		}
	}
}
