package report

import "reflect"

// conceal puts references to the environment in place of their values wherever a
// report says them, those that come from templates included.
func (r *Report) conceal(hide func(string) string) {
	concealIn(reflect.ValueOf(r).Elem(), hide)
	if r.Pipeline != nil {
		concealIn(reflect.ValueOf(&r.Pipeline.picture).Elem(), hide)
	}
}

func concealIn(value reflect.Value, hide func(string) string) {
	switch value.Kind() {
	case reflect.Pointer:
		if !value.IsNil() {
			concealIn(value.Elem(), hide)
		}
	case reflect.Struct:
		for i := range value.NumField() {
			if value.Field(i).CanSet() {
				concealIn(value.Field(i), hide)
			}
		}
	case reflect.Slice:
		for i := range value.Len() {
			concealIn(value.Index(i), hide)
		}
	case reflect.String:
		value.SetString(hide(value.String()))
	}
}
