//! Formats statements and expressions in one canonical way, without their layout, comments and docstrings.

use ruff_python_ast::{Arguments, CmpOp, Expr, Stmt};
use ruff_text_size::Ranged;

use super::NotStock;
use crate::syntax::string_literal;

/// The version table in the arguments of `context.configure`.
#[derive(Default)]
pub(super) struct ConfigureArguments {
    pub(super) version_table: Option<String>,
    pub(super) version_table_schema: Option<String>,
}

/// Arguments of `context.configure` that don't change where the version table is.
const HARMLESS_ARGUMENTS: &[&str] = &[
    "compare_server_default",
    "compare_type",
    "include_schemas",
    "render_as_batch",
    "transaction_per_migration",
];

/// Formats statements, one on each line, with blocks indented by four spaces. Calls of `context.configure` appear
/// without their arguments, which go to `configure`.
pub(super) fn canonical_statements(
    body: &[Stmt],
    configure: &mut Option<ConfigureArguments>,
) -> Result<String, NotStock> {
    let mut text = String::new();
    for statement in body {
        match statement {
            Stmt::Expr(expression) if expression.value.is_string_literal_expr() => {}
            Stmt::Expr(expression) => match &*expression.value {
                Expr::Call(call) if is_expression(&call.func, "context.configure") => {
                    *configure = Some(read_configure(&call.arguments)?);
                    text += "context.configure()\n";
                }
                value => text += &format!("{}\n", canonical_expression(value)?),
            },
            Stmt::Assign(assign) => match assign.targets.as_slice() {
                [target] => text += &canonical_assignment(target, &assign.value)?,
                _ => return Err(not_stock(statement)),
            },
            Stmt::AnnAssign(assign) => match &assign.value {
                Some(value) => text += &canonical_assignment(&assign.target, value)?,
                None => return Err(not_stock(statement)),
            },
            Stmt::With(with) => {
                let [item] = with.items.as_slice() else {
                    return Err(not_stock(statement));
                };
                let keyword = if with.is_async { "async with" } else { "with" };
                let target = match &item.optional_vars {
                    Some(target) => format!(" as {}", canonical_expression(target)?),
                    None => String::new(),
                };
                let manager = canonical_expression(&item.context_expr)?;
                text += &format!("{keyword} {manager}{target}:\n");
                for line in canonical_statements(&with.body, configure)?.lines() {
                    text += &format!("    {line}\n");
                }
            }
            _ => return Err(not_stock(statement)),
        }
    }
    Ok(text)
}

fn canonical_assignment(target: &Expr, value: &Expr) -> Result<String, NotStock> {
    let (target, value) = (canonical_expression(target)?, canonical_expression(value)?);
    Ok(format!("{target} = {value}\n"))
}

/// Formats an expression.
pub(super) fn canonical_expression(expression: &Expr) -> Result<String, NotStock> {
    Ok(match expression {
        Expr::Name(name) => name.id.to_string(),
        Expr::Attribute(attribute) => {
            let owner = canonical_expression(&attribute.value)?;
            format!("{owner}.{}", attribute.attr)
        }
        Expr::StringLiteral(literal) => match literal.value.to_str() {
            // The formatted text could be equal to that of other code.
            text if text.contains('\'') => return Err(not_stock(expression)),
            text => format!("'{text}'"),
        },
        Expr::BooleanLiteral(literal) => if literal.value { "True" } else { "False" }.to_owned(),
        Expr::NoneLiteral(_) => "None".to_owned(),
        Expr::Dict(dict) if dict.items.is_empty() => "{}".to_owned(),
        Expr::Await(awaited) => format!("await {}", canonical_expression(&awaited.value)?),
        Expr::Compare(compare) => match (&*compare.ops, &*compare.comparators) {
            ([CmpOp::IsNot], [right]) => {
                let (left, right) = (
                    canonical_expression(&compare.left)?,
                    canonical_expression(right)?,
                );
                format!("{left} is not {right}")
            }
            _ => return Err(not_stock(expression)),
        },
        Expr::Call(call) => {
            let mut arguments = Vec::new();
            for argument in &call.arguments.args {
                arguments.push(canonical_expression(argument)?);
            }
            for keyword in &call.arguments.keywords {
                let name = keyword.arg.as_ref().ok_or_else(|| not_stock(expression))?;
                arguments.push(format!("{name}={}", canonical_expression(&keyword.value)?));
            }
            let function = canonical_expression(&call.func)?;
            format!("{function}({})", arguments.join(", "))
        }
        _ => return Err(not_stock(expression)),
    })
}

fn read_configure(arguments: &Arguments) -> Result<ConfigureArguments, NotStock> {
    let mut configure = ConfigureArguments::default();
    let mut has_connection = false;
    if let Some(first) = arguments.args.first() {
        return Err(not_stock(first));
    }
    for keyword in &arguments.keywords {
        let name = keyword.arg.as_ref().map_or("", |name| name.as_str());
        let text = string_literal(&keyword.value);
        match name {
            "connection" if is_expression(&keyword.value, "connection") => has_connection = true,
            "target_metadata" if is_expression(&keyword.value, "target_metadata") => {}
            "version_table" if text.is_some() => {
                configure.version_table = text.map(str::to_owned);
            }
            "version_table_schema" if text.is_some() => {
                configure.version_table_schema = text.map(str::to_owned);
            }
            name if HARMLESS_ARGUMENTS.contains(&name)
                && keyword.value.is_boolean_literal_expr() => {}
            _ => return Err(not_stock(keyword)),
        }
    }
    if has_connection {
        Ok(configure)
    } else {
        Err(not_stock(arguments))
    }
}

fn is_expression(expression: &Expr, text: &str) -> bool {
    canonical_expression(expression).is_ok_and(|canonical| canonical == text)
}

fn not_stock(node: &impl Ranged) -> NotStock {
    NotStock::at(node, "something that the stock templates don't have")
}
