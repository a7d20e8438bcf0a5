// Package argument checks the arguments of functions that make a provider.
package argument

import "reflect"

// NotNil panics if value is nil or a nil pointer, with a text that names it. Name begins with that of the caller's package.
func NotNil(name string, value any) {
	if v := reflect.ValueOf(value); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		panic(name + " is nil")
	}
}
