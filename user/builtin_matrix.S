/* SPDX-License-Identifier: MIT */
/* The built-in matrix file as bytes, for matrix.c. */
	.section .rodata
	.global builtin_matrix_start, builtin_matrix_end
	.balign 16
builtin_matrix_start:
	.incbin "user/matrix/skype-server-2015.yaml"
builtin_matrix_end:
	.byte 0
	.section .note.GNU-stack, "", @progbits
