import { type Culture, getCulture, plainSpaces } from "./culture.ts";
import { NetDecimal, type WdlNumber, isInteger, numberText, toDouble } from "./values.ts";
import { WorkflowExpressionError } from "./expression-error.ts";

/** Formats as .NET's ToString(format, culture) does: standard formats such as `N2`, custom ones such as `0.00`. */
export function formatNumber(value: WdlNumber, format: string, locale?: string): string {
  const culture = getCulture(locale);
  const standard = /^([A-Za-z])(\d{0,2})$/.exec(format);
  if (standard !== null) {
    const digits = standard[2] === "" ? undefined : Number(standard[2]);
    return formatStandard(value, standard[1] ?? "", digits, culture);
  }
  return formatCustom(value, format, culture);
}

function formatStandard(
  value: WdlNumber,
  letter: string,
  digits: number | undefined,
  culture: Culture,
): string {
  switch (letter.toUpperCase()) {
    case "C":
      return formatCurrency(value, digits, culture);
    case "D":
      requireInteger(value, letter);
      return numberText(value).replace(/\d+/, (text) => text.padStart(digits ?? 0, "0"));
    case "E":
      return formatExponent(value, digits ?? 6, letter, culture);
    case "F":
      return localize(toFixed(value, digits ?? 2), culture, false);
    case "G":
      return localize(
        digits === undefined || digits === 0 ? numberText(value) : toPrecision(value, digits),
        culture,
        false,
      );
    case "N":
      return localize(toFixed(value, digits ?? 2), culture, true);
    case "P":
      return formatPercent(value, digits ?? 2, culture);
    case "R":
      return localize(numberText(value), culture, false);
    case "X":
      return formatHex(value, digits ?? 0, letter);
    default:
      throw new WorkflowExpressionError("ARGUMENT", `'${letter}' is not a number format.`);
  }
}

function requireInteger(value: WdlNumber, letter: string): asserts value is number | bigint {
  if (!isInteger(value)) {
    throw new WorkflowExpressionError("ARGUMENT", `The format '${letter}' is for integers only.`);
  }
}

/** Rounds half away from zero, on the decimal digits that the value prints with. */
function toFixed(value: WdlNumber, digits: number): string {
  const rounded = toDecimal(value).toFixed(digits, NetDecimal.ROUND_HALF_UP);
  return /^-[0.]*$/.test(rounded) ? rounded.slice(1) : rounded;
}

function toPrecision(value: WdlNumber, digits: number): string {
  return numberText(
    new NetDecimal(toDecimal(value).toSignificantDigits(digits, NetDecimal.ROUND_HALF_UP)),
  );
}

function toDecimal(value: WdlNumber): InstanceType<typeof NetDecimal> {
  return new NetDecimal(
    typeof value === "bigint" ? value.toString() : isInteger(value) ? value : numberText(value),
  );
}

function localize(text: string, culture: Culture, isGrouped: boolean): string {
  const [whole = "", fraction] = text.split(".");
  const grouped = isGrouped ? groupDigits(whole, culture.groupSeparator) : whole;
  return fraction === undefined ? grouped : `${grouped}${culture.decimalSeparator}${fraction}`;
}

function groupDigits(whole: string, separator: string): string {
  return whole.replaceAll(/\B(?=(\d{3})+(?!\d))/g, separator);
}

function formatExponent(
  value: WdlNumber,
  digits: number,
  letter: string,
  culture: Culture,
): string {
  const [mantissa = "", exponent = "+0"] = toDouble(value).toExponential(digits).split("e");
  const power = exponent.slice(1).padStart(3, "0");
  return `${localize(mantissa, culture, false)}${letter}${exponent[0] ?? "+"}${power}`;
}

function formatPercent(value: WdlNumber, digits: number, culture: Culture): string {
  const text = localize(toFixed(toDecimal(value).times(100), digits), culture, true);
  const sample = new Intl.NumberFormat(culture.locale, { style: "percent" }).format(0.1);
  return plainSpaces(sample).replace(/1.*0/, text);
}

function formatHex(value: WdlNumber, digits: number, letter: string): string {
  requireInteger(value, letter);
  const bits = BigInt(value);
  const text = BigInt.asUintN(bits < -(2n ** 31n) ? 64 : bits < 0n ? 32 : 64, bits).toString(16);
  return (letter === "X" ? text.toUpperCase() : text).padStart(digits, "0");
}

/** Region to currency: what .NET's RegionInfo knows and Intl does not tell. */
const currencies: Readonly<Record<string, string>> = {
  AE: "AED", AR: "ARS", AU: "AUD", BR: "BRL", CA: "CAD", CH: "CHF", CL: "CLP", CN: "CNY", CO: "COP",
  CZ: "CZK", DK: "DKK", EG: "EGP", GB: "GBP", HK: "HKD", HU: "HUF", ID: "IDR", IL: "ILS", IN: "INR",
  IS: "ISK", JP: "JPY", KR: "KRW", KW: "KWD", MX: "MXN", MY: "MYR", NO: "NOK", NZ: "NZD", PH: "PHP",
  PK: "PKR", PL: "PLN", RO: "RON", SA: "SAR", SE: "SEK", SG: "SGD", TH: "THB", TR: "TRY", TW: "TWD",
  UA: "UAH", US: "USD", VN: "VND", ZA: "ZAR",
}; // prettier-ignore

function formatCurrency(value: WdlNumber, digits: number | undefined, culture: Culture): string {
  const locale = new Intl.Locale(culture.locale).maximize();
  const region = locale.region ?? "US";
  const currency = currencies[region] ?? "EUR";
  const style = { style: "currency", currency, currencyDisplay: "narrowSymbol" } as const;
  const own =
    new Intl.NumberFormat(culture.locale, style).resolvedOptions().maximumFractionDigits ?? 2;
  const isNegative = toDouble(value) < 0;
  const amount = toFixed(isNegative ? toDecimal(value).negated() : value, digits ?? own);
  const text = localize(amount, culture, true);
  const parts = new Intl.NumberFormat(culture.locale, style).formatToParts(isNegative ? -1 : 1);
  const isNumber = (type: string): boolean =>
    ["integer", "group", "decimal", "fraction"].includes(type);
  const firstNumber = parts.findIndex((part) => isNumber(part.type));
  return parts
    .map((part, index) => {
      if (index === firstNumber) return text;
      if (isNumber(part.type)) return "";
      // .NET writes the Icelandic króna without the point that Intl puts after it.
      return part.type === "currency" && currency === "ISK" ? "kr" : plainSpaces(part.value);
    })
    .join("");
}

/** https://learn.microsoft.com/dotnet/standard/base-types/custom-numeric-format-strings */
function formatCustom(value: WdlNumber, format: string, culture: Culture): string {
  const sections = splitSections(format);
  const sign = Math.sign(toDecimal(value).toNumber());
  const pick = (index: number): string | undefined => sections[index] ?? undefined;
  if (sign < 0 && (pick(1) ?? "") !== "") {
    return fillSection(toDecimal(value).negated(), pick(1) ?? "", culture);
  }
  const text = fillSection(toDecimal(value).abs(), pick(0) ?? "", culture);
  const isZero = sign === 0 || !/[1-9]/.test(text);
  if (isZero && sections.length > 2) return fillSection(new NetDecimal(0), pick(2) ?? "", culture);
  return sign < 0 && !isZero ? `-${text}` : text;
}

const customToken = /'[^']*'|"[^"]*"|\\[\s\S]|[Ee][+-]?0+|[\s\S]/g;

function splitSections(format: string): readonly string[] {
  const sections = [""];
  for (const token of format.match(customToken) ?? []) {
    if (token === ";") sections.push("");
    else sections[sections.length - 1] = (sections.at(-1) ?? "") + token;
  }
  return sections;
}

interface NumberPlan {
  readonly tokens: readonly string[];
  readonly pointAt: number;
  readonly isGrouped: boolean;
  /** Commas directly before the point or the end divide by a thousand each. */
  readonly scale: number;
  readonly percents: number;
  readonly permilles: number;
  readonly minWhole: number;
  readonly minFraction: number;
  readonly maxFraction: number;
}

function planSection(section: string): NumberPlan {
  const tokens: readonly string[] = section.match(customToken) ?? [];
  const found = tokens.indexOf(".");
  const pointAt = found < 0 ? tokens.length : found;
  const isDigit = (token: string): boolean => token === "0" || token === "#";
  const whole = tokens.slice(0, pointAt);
  const fraction = tokens.slice(pointAt + 1);
  const lastDigit = whole.findLastIndex(isDigit);
  const firstDigit = whole.findIndex(isDigit);
  const firstZero = whole.indexOf("0");
  const digits = fraction.filter(isDigit);
  return {
    tokens,
    pointAt,
    isGrouped: whole.slice(Math.max(firstDigit, 0), lastDigit + 1).includes(","),
    scale: lastDigit < 0 ? 0 : whole.slice(lastDigit + 1).filter((token) => token === ",").length,
    percents: tokens.filter((token) => token === "%").length,
    permilles: tokens.filter((token) => token === "‰").length,
    minWhole: firstZero < 0 ? 0 : whole.slice(firstZero).filter(isDigit).length,
    minFraction: digits.lastIndexOf("0") + 1,
    maxFraction: digits.length,
  };
}

function fillSection(
  value: InstanceType<typeof NetDecimal>,
  section: string,
  culture: Culture,
): string {
  const plan = planSection(section);
  const power = 2 * plan.percents + 3 * plan.permilles - 3 * plan.scale;
  const scaled = value.times(new NetDecimal(10).pow(power));
  const fixed = scaled.toFixed(plan.maxFraction, NetDecimal.ROUND_HALF_UP);
  const [wholeText = "", fractionText = ""] = fixed.split(".");
  const whole = (wholeText === "0" ? "" : wholeText).padStart(plan.minWhole, "0");
  let fraction = fractionText;
  while (fraction.length > plan.minFraction && fraction.endsWith("0"))
    fraction = fraction.slice(0, -1);
  return writeSection(plan, whole, fraction, culture);
}

function writeSection(plan: NumberPlan, whole: string, fraction: string, culture: Culture): string {
  const wholeSlots = plan.tokens
    .slice(0, plan.pointAt)
    .filter((token) => token === "0" || token === "#").length;
  let output = "";
  let slot = 0;
  let used = 0;
  const digitAt = (index: number): string => {
    const left = whole.length - index - 1;
    const separator = plan.isGrouped && left > 0 && left % 3 === 0 ? culture.groupSeparator : "";
    return (whole[index] ?? "") + separator;
  };
  plan.tokens.forEach((token, index) => {
    const isDigit = token === "0" || token === "#";
    if (isDigit && index < plan.pointAt) {
      slot += 1;
      // The first slot also takes the digits that have none of their own.
      const until = whole.length - (wholeSlots - slot);
      for (; used < until; used += 1) output += digitAt(used);
    } else if (isDigit) {
      output += fraction[0] ?? "";
      fraction = fraction.slice(1);
    } else if (index === plan.pointAt) output += fraction === "" ? "" : culture.decimalSeparator;
    else if (token !== ",") output += literalOf(token);
  });
  return output;
}

function literalOf(token: string): string {
  if (token.length > 1 && /^['"]/.test(token)) return token.slice(1, -1);
  return token.startsWith("\\") ? token.slice(1) : token;
}
