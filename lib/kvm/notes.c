/* SPDX-License-Identifier: BSD-3-Clause */
/* The notes of what entries give, a byte a page, eight at a time where they are aligned. */
#include "kvm_private.h"

#define WORD  8u
#define LANES 0x0101010101010101ull

static int is_word(const uint8_t *p, uint64_t left)
{
	return left >= WORD && (uintptr_t)p % WORD == 0;
}

void kvm_notes_fill(uint8_t *pte, uint64_t pages, uint8_t value)
{
	uint64_t i = 0;

	while (i < pages) {
		if (is_word(&pte[i], pages - i)) {
			__atomic_store_n((uint64_t *)(void *)&pte[i], LANES * value,
					 __ATOMIC_RELEASE);
			i += WORD;
		} else {
			__atomic_store_n(&pte[i++], value, __ATOMIC_RELEASE);
		}
	}
}

uint64_t kvm_notes_same(const uint8_t *pte, uint64_t pages, uint8_t value)
{
	uint64_t i = 0;

	while (i < pages) {
		if (is_word(&pte[i], pages - i) &&
		    __atomic_load_n((const uint64_t *)(const void *)&pte[i], __ATOMIC_ACQUIRE) ==
			    LANES * value)
			i += WORD;
		else if (__atomic_load_n(&pte[i], __ATOMIC_ACQUIRE) == value)
			i++;
		else
			break;
	}
	return i;
}

/* Whoever changes a byte of the word meanwhile is not overwritten: it is one atomic operation. */
void kvm_notes_and(uint8_t *pte, uint64_t pages, uint8_t mask)
{
	uint64_t i = 0;

	while (i < pages) {
		uint64_t *word = (uint64_t *)(void *)&pte[i];

		if (!is_word(&pte[i], pages - i)) {
			if ((__atomic_load_n(&pte[i], __ATOMIC_ACQUIRE) & (uint8_t)~mask) != 0)
				__atomic_fetch_and(&pte[i], mask, __ATOMIC_ACQ_REL);
			i++;
			continue;
		}
		if ((__atomic_load_n(word, __ATOMIC_ACQUIRE) & LANES * (uint8_t)~mask) != 0)
			__atomic_fetch_and(word, LANES * mask, __ATOMIC_ACQ_REL);
		i += WORD;
	}
}
