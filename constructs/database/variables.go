package database

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/internal/inline"
	"github.com/tinystack-go/tinystack/spec"
)

// login is who connects: the services, or migrations where those connect as
// somebody else.
type login struct {
	secret awssecretsmanager.ISecret
	// user is the name; empty where only the secret knows it.
	user string
}

// login is that of the services.
func (d *pgDatabase) login() login {
	if d.userSecret != nil {
		return login{secret: d.userSecret}
	}
	return login{d.secret, d.user}
}

// master is the login of migrations.
func (d *pgDatabase) master() login { return login{d.secret, d.user} }

// fill puts what the database has into a text.
func (d *pgDatabase) fill(text spec.DatabaseText, user, password string) string {
	var filled strings.Builder
	for _, part := range text {
		switch part.Field {
		case "":
			filled.WriteString(part.Text)
		case spec.DatabaseHost:
			filled.WriteString(*d.host)
		case spec.DatabasePort:
			fmt.Fprint(&filled, d.port)
		case spec.DatabaseNamed:
			filled.WriteString(d.name)
		case spec.DatabaseUser:
			filled.WriteString(user)
		case spec.DatabasePassword:
			filled.WriteString(password)
		case spec.DatabaseReaderHost:
			if len(d.readers) == 0 {
				panic(fmt.Errorf("database: a text names {%s}, and the database has no replica", part.Field))
			}
			filled.WriteString(d.readers[0])
		default:
			panic(fmt.Errorf("database: {%s} is not known of a database", part.Field))
		}
	}
	return filled.String()
}

func (d *pgDatabase) Variable(text spec.DatabaseText) (string, awsecs.Secret) {
	return d.variable(text, d.login())
}

func (d *pgDatabase) MigrationVariable(text spec.DatabaseText) (string, awsecs.Secret) {
	return d.variable(text, d.master())
}

func (d *pgDatabase) variable(text spec.DatabaseText, as login) (string, awsecs.Secret) {
	hidden := as.user == ""
	switch {
	case text.Composed(hidden):
		panic(fmt.Errorf("database: a text with a password in it is a secret of its own: see Compose"))
	case !text.Secret(hidden):
		return d.fill(text, as.user, ""), nil
	case text.Has(spec.DatabasePassword):
		return "", password(as.secret)
	default:
		return "", username(as.secret)
	}
}

// Composition is a secret of texts in which a password stands, by their keys.
type Composition struct {
	// Secret is a JSON object of the texts.
	Secret awssecretsmanager.Secret
	// Templates is the same in JSON, with {secret:username} and {secret:password}
	// where the values of those keys of the credentials belong: by it a function
	// writes the texts anew after a rotation.
	Templates string
}

func (d *pgDatabase) Compose(scope constructs.Construct, id *string, texts map[string]spec.DatabaseText) *Composition {
	return d.compose(scope, id, texts, d.login(), "connection strings of the services to the Postgres database")
}

func (d *pgDatabase) ComposeForMigrations(scope constructs.Construct, id *string, texts map[string]spec.DatabaseText) *Composition {
	return d.compose(scope, id, texts, d.master(), "connection strings of migrations to the Postgres database")
}

// compose has CloudFormation put the password into the texts while it deploys: it
// replaces a dynamic reference only on the way to Secrets Manager, and shows it
// nowhere. Passwords that are made here are letters and digits, so they stand in a
// URL, and in JSON, as they are.
func (d *pgDatabase) compose(scope constructs.Construct, id *string, texts map[string]spec.DatabaseText, as login, what string) *Composition {
	stack := awscdk.Stack_Of(scope)
	user := as.user
	if user == "" {
		user = *as.secret.SecretValueFromJson(jsii.String("username")).UnsafeUnwrap()
	}
	value := *as.secret.SecretValueFromJson(jsii.String("password")).UnsafeUnwrap()
	filled := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		filled[key] = d.fill(texts[key], user, value)
	}
	secret := awssecretsmanager.NewSecret(scope, id, &awssecretsmanager.SecretProps{
		Description:       jsii.String(*stack.StackName() + ": " + what),
		SecretStringValue: awscdk.SecretValue_UnsafePlainText(jsii.String(inline.JSON(filled, ""))),
		RemovalPolicy:     awscdk.RemovalPolicy_DESTROY, // it is made again of the database's
	})
	acknowledge.All(secret, acknowledge.Finding{Rule: "AwsSolutions-SMG4", Reason: "It follows the credentials of the database, and is written anew when those are rotated."})
	user = as.user
	if user == "" {
		user = "{secret:username}"
	}
	for key, text := range texts {
		filled[key] = d.fill(text, user, "{secret:password}")
	}
	return &Composition{Secret: secret, Templates: inline.JSON(filled, "")}
}
