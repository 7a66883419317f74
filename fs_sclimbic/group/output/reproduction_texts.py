"""The texts of analysis.py and analysis.R, in which ``$$name`` stands for a fact of the analysis."""

IN_PYTHON = '''\
"""The same analysis again, with NumPy and SciPy alone: python analysis.py

Written by fs_sclimbic $version beside its results. Reads $values (what was read from
$table, the subjects that were analysed, before any scaling) and $design (the design), fits, tests each
contrast, prints the results, and compares them with results.tsv. Permutation p values are not repeated.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from scipy import special

HERE = Path(__file__).resolve().parent
SCALED = $scaled  # every structure divided by eTIV, times $scale
UNSCALED = $unscaled  # but these
LOGARITHM = $logarithm  # natural logarithm of the values
WEIGHTED = $weighted  # each row of the design and of the values multiplied by its weight
ROBUST = $robust  # HC3: the variance may differ between subjects
FAMILY = $family  # structures that Holm and FDR count
CONTRASTS = {  # name: (rows of weights for the columns of the design, null values)
$contrasts}
TOLERANCE = 1e-6  # largest difference from results.tsv, as a share
COLUMNS = ("gamma", "se", "t", "F", "p", "p_holm", "p_fdr")


def read(name):
    """Names of the columns, and numbers, of a table whose first column names the subjects."""
    with open(HERE / name, newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    return head[1:], [row[0] for row in rows], np.array([[float(cell) for cell in row[1:]] for row in rows])


def holm(p):
    order, corrected = np.argsort(p), np.empty(len(p))
    corrected[order] = np.minimum(1, np.maximum.accumulate(np.sort(p) * np.arange(len(p), 0, -1)))
    return corrected


def fdr(p):
    order, m = np.argsort(p)[::-1], len(p)
    corrected = np.empty(m)
    corrected[order] = np.minimum(1, np.minimum.accumulate(np.sort(p)[::-1] * m / np.arange(m, 0, -1)))
    return corrected


def test(X, y, C, null):
    """gamma, se, t, F and p of a contrast on one structure; t and se of one row only."""
    n, p = X.shape
    length = np.linalg.norm(X, axis=0)
    q, r = np.linalg.qr(X / length)
    beta = np.linalg.solve(r, q.T @ y) / length
    e, dof = y - X @ beta, n - p
    if np.linalg.norm(e) <= 1e-12 * np.linalg.norm(y):  # the design explains it exactly
        return [np.nan] * 5
    root = np.linalg.solve(r, np.eye(p)) / length[:, None]
    if ROBUST:
        leverage = np.sum(q**2, axis=1)
        meat = (root @ q.T) * (e / (1 - leverage))
        covariance = meat @ meat.T
    else:
        covariance = root @ root.T * (e @ e / dof)
    gamma, of_gamma = C @ beta - null, C @ covariance @ C.T
    se = np.sqrt(np.diag(of_gamma))
    z = gamma / se
    F = z @ np.linalg.solve(of_gamma / np.outer(se, se), z) / len(C)
    if len(C) > 1:
        return [np.nan, np.nan, np.nan, F, special.fdtrc(len(C), dof, F)]
    return [gamma[0], se[0], z[0], F, 2 * special.stdtr(dof, -abs(z[0]))]


def main():
    structures, subjects, values = read("$values")
    columns, same_subjects, X = read("$design")
    assert subjects == same_subjects
    etiv = None
    if "$etiv" in structures:
        at = structures.index("$etiv")
        etiv, values = values[:, at], np.delete(values, at, 1)
        structures = structures[:at] + structures[at + 1 :]
    if SCALED:
        divided = np.array([name not in UNSCALED for name in structures])
        values = np.where(divided, values / etiv[:, None] * $scale, values)
    if LOGARITHM:
        values = np.log(values)
    if WEIGHTED:
        at = columns.index("$weight")
        weights, X = X[:, at], np.delete(X, at, 1)
        X, values = X * weights[:, None], values * weights[:, None]
    worst = 0.0
    print("\\t".join(("contrast", "structure", *COLUMNS)))
    for name, (rows, null) in CONTRASTS.items():
        C, null = np.array(rows), np.array(null)
        found = np.array([test(X, y, C, null) for y in values.T])
        p = np.where([s in FAMILY for s in structures], found[:, 4], np.nan)
        corrected = np.full((len(p), 2), np.nan)
        counted = ~np.isnan(p)
        if counted.any():
            corrected[counted] = np.column_stack([holm(p[counted]), fdr(p[counted])])
        found = np.column_stack([found, corrected])
        for structure, row in zip(structures, found):
            print("\\t".join((name, structure, *(f"{value:.10g}" for value in row))))
        with open(HERE / name / "results.tsv", newline="", encoding="utf-8", errors="surrogateescape") as file:
            written = list(csv.DictReader(file, delimiter="\\t", quoting=csv.QUOTE_NONE))
        there = np.array([[np.nan if row[c] == "n/a" else float(row[c]) for c in COLUMNS] for row in written])
        if not (np.isnan(there) == np.isnan(found)).all():
            sys.exit(f"{name}: not the same numbers are known")
        # A p value of 1e-300 is compared as well as one of 0.5.
        difference = np.abs(found - there) / np.maximum(np.abs(there), 1e-300)
        close = np.abs(found[:, :3] - there[:, :3]) <= 1e-9 * there[:, 1:2]  # gamma of nearly 0, in units of its se
        difference[:, :3][close] = 0
        worst = max(worst, np.nanmax(difference, initial=0))
    print(f"largest difference from results.tsv: {worst:.1e}", file=sys.stderr)
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
'''

IN_R = """\
# The same analysis again, with base R alone: Rscript analysis.R
#
# Written by fs_sclimbic $version beside its results. Reads $values (what was read from
# $table, the subjects that were analysed, before any scaling) and $design (the design), fits with lm.wfit,
# tests each contrast, prints the results, and compares them with results.tsv. Permutation p values are not repeated.

scaled <- $scaled        # every structure divided by eTIV, times $scale
unscaled <- $unscaled    # but these
logarithm <- $logarithm  # natural logarithm of the values
weighted <- $weighted    # each row of the design and of the values multiplied by its weight
robust <- $robust        # HC3: the variance may differ between subjects
family <- $family        # structures that Holm and FDR count
contrasts <- list(  # rows of weights for the columns of the design, null values
$contrasts
)
tolerance <- 1e-6  # largest difference from results.tsv, as a share

script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
here <- if (length(script)) dirname(normalizePath(gsub("~+~", " ", script[1], fixed = TRUE))) else getwd()
read_table <- function(name) {
  table <- read.csv(file.path(here, name), check.names = FALSE, encoding = "UTF-8",
                    colClasses = c($subject = "character"))
  list(subjects = table[[1]], values = as.matrix(table[-1]))
}

test_contrast <- function(X, y, w, C, null) {
  # Weights of lm multiply squares; those of the design multiply rows.
  fit <- lm.wfit(X, y, w^2, tol = 1e-12)
  dof <- fit$$df.residual
  e <- fit$$residuals * w
  if (sqrt(sum(e^2)) <= 1e-12 * sqrt(sum((w * y)^2))) return(rep(NA, 5))  # the design explains it exactly
  Q <- qr.Q(fit$$qr)
  root <- matrix(0, ncol(X), ncol(X))
  root[fit$$qr$$pivot, ] <- backsolve(qr.R(fit$$qr), diag(ncol(X)))
  if (robust) {
    share <- root %*% t(Q * (e / (1 - rowSums(Q^2))))
    covariance <- share %*% t(share)
  } else {
    covariance <- root %*% t(root) * sum(e^2) / dof
  }
  gamma <- drop(C %*% fit$$coefficients) - null
  of_gamma <- C %*% covariance %*% t(C)
  se <- sqrt(diag(of_gamma))
  z <- gamma / se
  f <- drop(z %*% solve(of_gamma / outer(se, se), z)) / nrow(C)
  if (nrow(C) > 1) return(c(NA, NA, NA, f, pf(f, nrow(C), dof, lower.tail = FALSE)))
  c(gamma, se, z, f, 2 * pt(-abs(z), dof))
}

table <- read_table("$values")
design <- read_table("$design")
stopifnot(identical(table$$subjects, design$$subjects))
values <- table$$values
X <- design$$values
is_etiv <- colnames(values) == "$etiv"
etiv <- values[, is_etiv]
values <- values[, !is_etiv, drop = FALSE]
if (scaled) {
  divided <- !colnames(values) %in% unscaled
  values[, divided] <- values[, divided] / etiv * $scale
}
if (logarithm) values <- log(values)
w <- rep(1, nrow(X))
if (weighted) {
  w <- X[, "$weight"]
  X <- X[, colnames(X) != "$weight", drop = FALSE]
}

shown <- c("gamma", "se", "t", "F", "p", "p_holm", "p_fdr")
worst <- 0
cat(paste(c("contrast", "structure", shown), collapse = "\\t"), "\\n", sep = "")
for (name in names(contrasts)) {
  one <- contrasts[[name]]
  found <- t(apply(values, 2, function(y) test_contrast(X, y, w, one$$C, one$$null)))
  p <- ifelse(colnames(values) %in% family, found[, 5], NA)
  found <- cbind(found, p.adjust(p, "holm"), p.adjust(p, "BH"))
  for (i in seq_len(nrow(found))) {
    cat(paste(c(name, colnames(values)[i], sprintf("%.10g", found[i, ])), collapse = "\\t"), "\\n", sep = "")
  }
  there <- as.matrix(read.delim(file.path(here, name, "results.tsv"), na.strings = "n/a", quote = "",
                                comment.char = "")[shown])
  if (any(is.na(there) != is.na(found))) stop(name, ": not the same numbers are known")
  difference <- abs(found - there) / pmax(abs(there), 1e-300)
  close <- abs(found[, 1:3] - there[, 1:3]) <= 1e-9 * there[, 2]  # gamma of nearly 0, in units of its se
  difference[, 1:3][which(close)] <- 0
  worst <- max(worst, difference, na.rm = TRUE)
}
message(sprintf("largest difference from results.tsv: %.1e", worst))
if (worst > tolerance) quit(status = 1)
"""
