package spec

import "reflect"

// Resolve returns the complete declaration: canaries derived from their
// production stage, and every default filled in. The receiver is not changed.
// Its error is a [Problems] with everything that is wrong; the warnings that
// remain in a valid declaration are in [App.Warnings].
func (a App) Resolve() (App, error) {
	resolved := a.complete()
	if err := resolved.validate().Errors(); err != nil {
		return App{}, err
	}
	return resolved, nil
}

// Validate says what is wrong with the declaration, complete or not: nil, or
// [Problems] that are all errors.
func (a App) Validate() error { return a.complete().validate().Errors() }

// Warnings says what is valid and yet unwise in the declaration.
func (a App) Warnings() Problems { return a.complete().validate().Warnings() }

// fill sets what was left out.
func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// fillPtr sets what was left out where zero can be meant.
func fillPtr[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// value is what a pointer field holds, or zero.
func value[T any](field *T) T {
	var zero T
	if field == nil {
		return zero
	}
	return *field
}

// clone is a deep copy: nothing that this package fills in ever shows in the
// caller's value.
func clone[T any](value T) T {
	var copied T
	deepCopy(reflect.ValueOf(&copied).Elem(), reflect.ValueOf(value))
	return copied
}

func deepCopy(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.Struct:
		to.Set(from) // the unexported fields, too
		for i := range from.NumField() {
			if to.Field(i).CanSet() {
				deepCopy(to.Field(i), from.Field(i))
			}
		}
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			deepCopy(to.Elem(), from.Elem())
		}
	case reflect.Slice:
		if !from.IsNil() {
			to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
			for i := range from.Len() {
				deepCopy(to.Index(i), from.Index(i))
			}
		}
	case reflect.Map:
		if !from.IsNil() {
			to.Set(reflect.MakeMapWithSize(from.Type(), from.Len()))
			for _, key := range from.MapKeys() {
				to.SetMapIndex(key, from.MapIndex(key))
			}
		}
	default:
		to.Set(from)
	}
}
