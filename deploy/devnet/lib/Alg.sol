// SPDX-License-Identifier: Apache-2.0
// TPM algorithm identifiers that the registry tells apart (TPM2-P2 6.3, 6.4).
pragma solidity 0.8.27;

uint16 constant ALG_ERROR = 0x0000;
uint16 constant ALG_RSA = 0x0001;
uint16 constant ALG_SHA256 = 0x000b;
uint16 constant ALG_NULL = 0x0010;
uint16 constant ALG_RSASSA = 0x0014;
uint16 constant ALG_ECDSA = 0x0018;
uint16 constant ALG_ECC = 0x0023;
uint16 constant ECC_NIST_P256 = 0x0003;
