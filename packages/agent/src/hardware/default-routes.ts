/** Through which network interfaces the default routes lead, by the kernel's tables in /proc/net. */

interface Route {
  readonly name: string;
  readonly metric: number;
}

/** Flags of a route. Source: Linux include/uapi/linux/route.h */
const UP = 0x0001;
const REJECT = 0x0200;

/**
 * @param ipv4Routes  content of /proc/net/route
 * @param ipv6Routes  content of /proc/net/ipv6_route
 * @returns names: of each family the one whose route is taken, which has the lowest metric
 */
export function defaultRouteInterfaces(ipv4Routes: string, ipv6Routes: string): ReadonlySet<string> {
  const names = [bestOf(ipv4Routes, ipv4Default), bestOf(ipv6Routes, ipv6Default)];
  return new Set(names.filter((name) => name !== undefined));
}

function bestOf(table: string, read: (fields: readonly string[]) => Route | undefined): string | undefined {
  const routes = table.split("\n").flatMap((line) => read(line.trim().split(/\s+/)) ?? []);
  return routes.toSorted((one, other) => one.metric - other.metric)[0]?.name;
}

/** Interface, destination, gateway, flags, two counts, metric (decimal), mask. Source: Linux net/ipv4/fib_trie.c, fib_route_seq_show */
function ipv4Default(fields: readonly string[]): Route | undefined {
  const [name, destination, , flags, , , metric, mask] = fields;
  const isDefault = destination === "00000000" && mask === "00000000" && isUsed(flags);
  return name !== undefined && isDefault ? { name, metric: Number(metric) } : undefined;
}

/** Destination, its length, source, its length, gateway, metric, two counts, flags, interface; all hexadecimal. Source: Linux net/ipv6/route.c */
function ipv6Default(fields: readonly string[]): Route | undefined {
  const [destination, bits, , sourceBits, , metric = "", , , flags, name] = fields;
  const isDefault = destination === "0".repeat(32) && bits === "00" && sourceBits === "00" && isUsed(flags);
  return name !== undefined && isDefault ? { name, metric: Number.parseInt(metric, 16) } : undefined;
}

function isUsed(flags = ""): boolean {
  const bits = Number.parseInt(flags, 16);
  return (bits & UP) !== 0 && (bits & REJECT) === 0;
}
