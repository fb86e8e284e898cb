/* SPDX-License-Identifier: MIT */
#ifndef ROLEWALL_VERSION_H
#define ROLEWALL_VERSION_H

#ifndef ROLEWALL_VERSION
#define ROLEWALL_VERSION "0.1.0"
#endif

#endif
