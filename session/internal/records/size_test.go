package records_test

import (
	"testing"
	"unsafe"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Each save allocates a Content. On 64 bits it fills a size class of Go's allocator:
// another field would make every request allocate more.
func TestAContentFillsASizeClass(t *testing.T) {
	const class = 240
	if size := unsafe.Sizeof(records.Content{}); unsafe.Sizeof(uintptr(0)) == 8 && size > class {
		t.Errorf("a Content has %d bytes; over %d, a request allocates more", size, class)
	}
}
