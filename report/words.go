package report

import (
	"fmt"
	"strconv"
	"strings"
)

// scalar is a number or text of a template as a text; empty for all else.
func scalar(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(value)
	case fmt.Stringer: // json.Number
		return value.String()
	}
	return ""
}

// between is a range, or a number where both ends are the same.
func between(least, most string) string {
	if least == most {
		return least
	}
	return least + "–" + most
}

func plural(noun, count string) string {
	if count == "1" {
		return noun
	}
	return noun + "s"
}

// imageText is a container image as a template names it. What only AWS knows
// is left out.
func imageText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	var text strings.Builder
	if parts, ok := field(value, "Fn::Join").([]any); ok && len(parts) == 2 {
		for _, part := range listOf(parts[1]) {
			if s, ok := part.(string); ok {
				text.WriteString(s)
			} else if ref := textOf(part, "Ref"); ref == "AWS::URLSuffix" {
				text.WriteString("amazonaws.com")
			}
		}
	}
	return text.String()
}

// shortImage is an image without its registry.
func shortImage(image string) string {
	if host, rest, found := strings.Cut(image, "/"); found && strings.ContainsAny(host, ".:") {
		image = rest
	}
	return strings.TrimPrefix(image, "docker/library/")
}

func balancerName(kind, scheme string) string {
	name := map[string]string{"": "Application LB", "application": "Application LB", "network": "Network LB"}[kind]
	if scheme != "internet-facing" {
		name += ", internal"
	}
	return name
}

// conditionText is for which requests a rule of a listener is.
func conditionText(conditions []any) string {
	var parts []string
	for _, condition := range conditions {
		for _, config := range []string{"HostHeaderConfig", "PathPatternConfig"} {
			for _, value := range listOf(field(condition, config, "Values")) {
				parts = append(parts, scalar(value))
			}
		}
		if !strings.Contains(textOf(condition, "Field"), "header") {
			for _, value := range listOf(field(condition, "Values")) {
				parts = append(parts, scalar(value))
			}
		}
	}
	return strings.Join(parts, " ")
}

// routeText is for which requests a route of an API is; nothing for all.
func routeText(key string) string {
	if key == "$default" {
		return ""
	}
	return strings.TrimPrefix(key, "ANY ")
}

// awsService is the short name of the service that an endpoint of a VPC is for.
func awsService(value any) string {
	text, ok := value.(string)
	if !ok {
		text = imageText(value)
	}
	return text[strings.LastIndex(text, ".")+1:]
}
