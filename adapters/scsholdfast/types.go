package scsholdfast

import (
	"context"
	"time"
)

// as returns v if it is of type T, or the zero value.
func as[T any](v any) T {
	t, _ := v.(T)
	return t
}

// GetString returns the value of a key if it is a string, or "".
func (s *SessionManager) GetString(ctx context.Context, key string) string {
	return as[string](s.Get(ctx, key))
}

// GetBool returns the value of a key if it is a bool, or false.
func (s *SessionManager) GetBool(ctx context.Context, key string) bool {
	return as[bool](s.Get(ctx, key))
}

// GetInt returns the value of a key if it is an int, or 0.
func (s *SessionManager) GetInt(ctx context.Context, key string) int {
	return as[int](s.Get(ctx, key))
}

// GetInt64 returns the value of a key if it is an int64, or 0.
func (s *SessionManager) GetInt64(ctx context.Context, key string) int64 {
	return as[int64](s.Get(ctx, key))
}

// GetInt32 returns the value of a key if it is an int32, or 0.
func (s *SessionManager) GetInt32(ctx context.Context, key string) int32 {
	return as[int32](s.Get(ctx, key))
}

// GetFloat returns the value of a key if it is a float64, or 0.
func (s *SessionManager) GetFloat(ctx context.Context, key string) float64 {
	return as[float64](s.Get(ctx, key))
}

// GetBytes returns the value of a key if it is a []byte, or nil.
func (s *SessionManager) GetBytes(ctx context.Context, key string) []byte {
	return as[[]byte](s.Get(ctx, key))
}

// GetTime returns the value of a key if it is a time.Time, or the zero Time.
func (s *SessionManager) GetTime(ctx context.Context, key string) time.Time {
	return as[time.Time](s.Get(ctx, key))
}

// PopString is Pop for a string. If the value is of another type, it is removed, too, and the
// result is "".
func (s *SessionManager) PopString(ctx context.Context, key string) string {
	return as[string](s.Pop(ctx, key))
}

// PopBool is Pop for a bool. If the value is of another type, it is removed, too, and the
// result is false.
func (s *SessionManager) PopBool(ctx context.Context, key string) bool {
	return as[bool](s.Pop(ctx, key))
}

// PopInt is Pop for an int. If the value is of another type, it is removed, too, and the
// result is 0.
func (s *SessionManager) PopInt(ctx context.Context, key string) int {
	return as[int](s.Pop(ctx, key))
}

// PopFloat is Pop for a float64. If the value is of another type, it is removed, too, and the
// result is 0.
func (s *SessionManager) PopFloat(ctx context.Context, key string) float64 {
	return as[float64](s.Pop(ctx, key))
}

// PopBytes is Pop for a []byte. If the value is of another type, it is removed, too, and the
// result is nil.
func (s *SessionManager) PopBytes(ctx context.Context, key string) []byte {
	return as[[]byte](s.Pop(ctx, key))
}

// PopTime is Pop for a time.Time. If the value is of another type, it is removed, too, and the
// result is the zero Time.
func (s *SessionManager) PopTime(ctx context.Context, key string) time.Time {
	return as[time.Time](s.Pop(ctx, key))
}
